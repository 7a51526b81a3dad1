#!/bin/bash
# A Kubernetes of its own on this machine: a control plane and nodes, each in a
# network, mount and process namespace of its own, under one folder.  As root.
#
#   scripts/kube/cluster.sh up DIR NAME NUMBER NODES    starts a cluster; NUMBER is 1 to 9
#   scripts/kube/cluster.sh node DIR I                  adds a node
#   scripts/kube/cluster.sh image DIR FILE.tar          loads an image into every node
#   scripts/kube/cluster.sh host DIR ADDRESS NAME…      adds a name that pods can resolve
#   scripts/kube/cluster.sh cut DIR PLACE…              cuts the network of n1, n2 … or cp
#   scripts/kube/cluster.sh heal DIR PLACE…             connects it again
#   scripts/kube/cluster.sh dead DIR I                  kills a node, as a power cut would
#   scripts/kube/cluster.sh pids DIR UID                prints the process ids of a pod
#   scripts/kube/cluster.sh down DIR                    stops it, leaves nothing behind
#
# Addresses: this machine is 10.210.NUMBER.1, the control plane .100, node I is
# .(I + 1); pods of node I are 10.(220 + NUMBER).I.0/24, services
# 10.(230 + NUMBER).0.0/16, which this machine reaches through node 1.
# DIR/kubeconfig is the administrator's.  `dead` and `down` kill a node's process
# 1, which ends all its processes and containers.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../lib.sh"

bin=$("$here/tools.sh" folder kubernetes)
etcd=$("$here/tools.sh" folder etcd)/etcd
cgroups=/sys/fs/cgroup

kubectl() { "$bin/kubectl" --kubeconfig "$dir/kubeconfig" "$@"; }

# ---- namespaces: a place is the control plane (cp) or a node (n1, n2 …) -------

netns() { echo "overround-$name-$1"; }
link() { echo "or$number$1"; }

place() { # PLACE ADDRESS: where processes of it live, until its process 1 ends
    local where=$1 ns
    ns=$(netns "$where")
    mkdir -p "$dir/$where/netns"
    ip netns add "$ns"
    ip link add "$(link "$where")" type veth peer name eth0 netns "$ns"
    ip link set "$(link "$where")" master "orbr$number" up
    ip -n "$ns" link set lo up
    ip -n "$ns" addr add "$2/24" dev eth0
    ip -n "$ns" link set eth0 up
    ip -n "$ns" route add default via "$net.1"
    ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1
    # shellcheck disable=SC2016
    setsid nsenter --net="/run/netns/$ns" \
        unshare --mount --pid --fork --kill-child --propagation private \
        bash -c 'mount -t proc proc /proc
            umount /sys/fs/cgroup/unified 2>/dev/null
            mount --bind "$1" /run/netns
            exec "$2"' place "$dir/$where/netns" "$dir/pause" \
        </dev/null >>"$dir/$where/place.log" 2>&1 9>&- &
    echo $! >"$dir/$where/unshare.pid"
    wait_for 60 first_of "$where"
}

# Process 1 of a place, by its number here.
first_of() { # PLACE
    local pid
    pid=$(pgrep -P "$(cat "$dir/$1/unshare.pid")" -x pause) && echo "$pid" >"$dir/$1/first.pid"
}

spawn() { # PLACE PROGRAM ARGUMENT…: its output is PLACE/PROGRAM.log
    local where=$1 program=$2
    shift 2
    nsenter -t "$(cat "$dir/$where/first.pid")" --net --mount --pid \
        setsid nice -n "${KUBE_NICE:-5}" "$@" \
        </dev/null >>"$dir/$where/$program.log" 2>&1 9>&- &
}

inside() { # PLACE COMMAND…
    local where=$1
    shift
    nsenter -t "$(cat "$dir/$where/first.pid")" --net --mount --pid "$@"
}

# ---- certificates ---------------------------------------------------------------

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$dir/pki/$1.key"; }

certificate() { # FILE SUBJECT NAMES
    key "$1"
    openssl req -new -key "$dir/pki/$1.key" -subj "$2" |
        openssl x509 -req -CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key" -CAcreateserial \
            -days 30 -out "$dir/pki/$1.crt" -extfile <(
            printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3"
        ) 2>/dev/null
}

certificates() {
    mkdir -p "$dir/pki"
    key ca
    openssl req -x509 -new -key "$dir/pki/ca.key" -subj /CN=overround-kube -days 30 \
        -out "$dir/pki/ca.crt"
    certificate apiserver /CN=kube-apiserver "IP:$net.100,IP:127.0.0.1,IP:$services.0.1,$(
        printf 'DNS:%s,' kubernetes kubernetes.default kubernetes.default.svc
    )DNS:localhost"
    certificate admin /O=system:masters/CN=admin DNS:admin
    certificate front /CN=front-proxy DNS:front
    certificate metrics /CN=metrics "IP:$net.1,DNS:metrics.kube-system.svc"
    openssl genrsa -out "$dir/pki/sa.key" 2048 2>/dev/null
    openssl rsa -in "$dir/pki/sa.key" -pubout -out "$dir/pki/sa.pub" 2>/dev/null
    cat >"$dir/kubeconfig" <<END
apiVersion: v1
kind: Config
clusters:
  - name: $name
    cluster: {server: "https://$net.100:6443", certificate-authority: $dir/pki/ca.crt}
users:
  - name: admin
    user: {client-certificate: $dir/pki/admin.crt, client-key: $dir/pki/admin.key}
contexts:
  - name: $name
    context: {cluster: $name, user: admin}
current-context: $name
END
}

# ---- the control plane ------------------------------------------------------------

control_plane() {
    local pki=$dir/pki admin="--kubeconfig=$dir/kubeconfig"
    place cp "$net.100"
    spawn cp etcd "$etcd" --data-dir "$dir/etcd" --unsafe-no-fsync \
        --listen-client-urls http://127.0.0.1:2379 \
        --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 \
        --initial-advertise-peer-urls http://127.0.0.1:2380 \
        --initial-cluster default=http://127.0.0.1:2380
    spawn cp apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
        --bind-address=0.0.0.0 --advertise-address="$net.100" --secure-port=6443 \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" \
        --tls-private-key-file="$pki/apiserver.key" --authorization-mode=Node,RBAC \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/sa.pub" \
        --service-account-signing-key-file="$pki/sa.key" \
        --service-cluster-ip-range="$services.0.0/16" \
        --kubelet-client-certificate="$pki/admin.crt" \
        --kubelet-client-key="$pki/admin.key" --kubelet-certificate-authority="$pki/ca.crt" \
        --kubelet-preferred-address-types=InternalIP \
        --requestheader-client-ca-file="$pki/ca.crt" \
        --requestheader-allowed-names=front-proxy \
        --requestheader-username-headers=X-Remote-User \
        --requestheader-group-headers=X-Remote-Group \
        --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --proxy-client-cert-file="$pki/front.crt" --proxy-client-key-file="$pki/front.key" \
        --enable-aggregator-routing=true --allow-privileged=true
    wait_for 120 kubectl get --raw /readyz
    # A dead node's pods are elsewhere within a minute: 16 s until it is unknown, and
    # the chart's nodeLossSeconds.
    spawn cp controllers "$bin/kube-controller-manager" "$admin" --leader-elect=false \
        --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
        --use-service-account-credentials=true --node-monitor-grace-period=16s \
        --horizontal-pod-autoscaler-sync-period=5s \
        --authentication-kubeconfig="$dir/kubeconfig" \
        --authorization-kubeconfig="$dir/kubeconfig"
    spawn cp scheduler "$bin/kube-scheduler" "$admin" --leader-elect=false \
        --authentication-kubeconfig="$dir/kubeconfig" \
        --authorization-kubeconfig="$dir/kubeconfig"
    : >"$dir/hosts"
    spawn cp dns dnsmasq --keep-in-foreground --no-resolv --no-hosts --no-daemon \
        --addn-hosts="$dir/hosts" --listen-address="$net.100" --bind-interfaces \
        --pid-file= --user=root
}

# ---- nodes --------------------------------------------------------------------------

containerd_config() { # PLACE
    cat <<END
version = 2
root = "$dir/$1/containerd/root"
state = "$dir/$1/containerd/state"
oom_score = 0
[grpc]
  address = "$dir/$1/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/$1/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
END
}

kubelet_config() { # PLACE I
    cat <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /overround-$name-$1
failSwapOn: false
enforceNodeAllocatable: [pods]
oomScoreAdj: 0
containerRuntimeEndpoint: unix://$dir/$1/containerd.sock
address: $net.$(($2 + 1))
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $dir/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $dir/pki/$1.crt
tlsPrivateKeyFile: $dir/pki/$1.key
clusterDomain: cluster.local
clusterDNS: [$net.100]
resolvConf: ""
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
nodeStatusUpdateFrequency: 4s
syncFrequency: 10s
maxPods: 60
shutdownGracePeriod: 0s
END
}

network_config() { # PLACE I
    cat <<END
{"cniVersion": "0.4.0", "name": "$name-$1", "plugins": [
  {"type": "ptp", "ipMasq": false,
   "ipam": {"type": "host-local", "dataDir": "$dir/$1/addresses",
            "ranges": [[{"subnet": "$pods.$2.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}, "snat": true}]}
END
}

# Two kubelets under one cgroup tree kill each other's pods.
cgroup_trees() { # PLACE
    local tree
    for tree in "$cgroups"/*/; do
        [ "$(basename "$tree")" != unified ] || continue
        mkdir -p "$tree/overround-$name-$1"
        [ ! -f "$tree/cpuset.cpus" ] || for file in cpuset.cpus cpuset.mems; do
            cat "$tree/$file" >"$tree/overround-$name-$1/$file"
        done
    done
}

routes() { # I: pods of node I, from here and from the others
    local other
    ip route replace "$pods.$1.0/24" via "$net.$(($1 + 1))"
    for other in $(nodes); do
        [ "$other" = "$1" ] && continue
        ip -n "$(netns "n$1")" route replace "$pods.$other.0/24" via "$net.$((other + 1))"
        ip -n "$(netns "n$other")" route replace "$pods.$1.0/24" via "$net.$(($1 + 1))"
    done
    ip -n "$(netns cp)" route replace "$pods.$1.0/24" via "$net.$(($1 + 1))"
}

nodes() {
    local one
    for one in "$dir"/n[1-9]; do
        [ ! -e "$one/first.pid" ] || basename "$one" | tr -d n
    done
}

import_image() { # PLACE FILE
    inside "$1" ctr -a "$dir/$1/containerd.sock" -n k8s.io images import \
        --snapshotter overlayfs "$2" >>"$dir/$1/import.log" 2>&1 ||
        { tail -3 "$dir/$1/import.log" >&2; die "$2 is no image"; }
}

node() { # I
    local where=n$1 address=$net.$(($1 + 1)) image
    mkdir -p "$dir/$where"/{cni,containerd,kubelet,addresses}
    place "$where" "$address"
    routes "$1"
    certificate "$where" "/O=system:nodes/CN=system:node:$name-$where" \
        "IP:$address,DNS:$name-$where"
    network_config "$where" "$1" >"$dir/$where/cni/10-ptp.conflist"
    containerd_config "$where" >"$dir/$where/containerd.toml"
    kubelet_config "$where" "$1" >"$dir/$where/kubelet.yaml"
    cgroup_trees "$where"
    spawn "$where" containerd containerd -c "$dir/$where/containerd.toml"
    wait_for 60 test -S "$dir/$where/containerd.sock"
    for image in "$dir"/images/*.tar; do import_image "$where" "$image"; done
    spawn "$where" kubelet "$bin/kubelet" --config="$dir/$where/kubelet.yaml" \
        --kubeconfig="$dir/kubeconfig" --hostname-override="$name-$where" \
        --node-ip="$address" --root-dir="$dir/$where/kubelet" \
        --cert-dir="$dir/$where/kubelet/pki" \
        --node-labels="topology.kubernetes.io/zone=z$1"
    spawn "$where" proxy "$bin/kube-proxy" --kubeconfig="$dir/kubeconfig" \
        --hostname-override="$name-$where" --proxy-mode=nftables \
        --cluster-cidr="$pods.0.0/16" --conntrack-max-per-core=0 --oom-score-adj=0 \
        --healthz-bind-address="$address:10256" --metrics-bind-address="$address:10249"
}

is_ready() { # I
    kubectl get node "$name-n$1" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}' |
        grep -q True
}

# The kubelet changes these for the whole machine.
sysctls="vm.overcommit_memory kernel.panic kernel.panic_on_oops"

pause_image() {
    gcc -O2 -static -Wall -Wextra -Werror -o "$dir/pause" "$here/pause.c"
    "$here/pause_image.sh" "$dir/pause" "$dir/images/pause.tar"
}

up() { # NODES
    local i setting
    "$here/tools.sh" fetch kubernetes etcd
    [ ! -e "$dir" ] || die "$dir is there"
    mkdir -p "$dir/images"
    echo "$name $number" >"$dir/cluster"
    for setting in $sysctls; do
        echo "$setting=$(sysctl -n "$setting")"
    done >"$dir/sysctls"
    pause_image
    ip link add "orbr$number" type bridge
    ip addr add "$net.1/24" dev "orbr$number"
    ip link set "orbr$number" up
    certificates
    control_plane
    for i in $(seq "$1"); do node "$i"; done
    ip route replace "$services.0.0/16" via "$net.2"
    for i in $(seq "$1"); do wait_for 120 is_ready "$i"; done
}

kill_place() { # PLACE
    local pid
    for pid in first unshare; do
        pid=$(cat "$dir/$1/$pid.pid" 2>/dev/null || true)
        [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
    done
    for _ in $(seq 100); do
        [ -n "$(ip netns pids "$(netns "$1")" 2>/dev/null)" ] || return 0
        sleep 0.1
    done
}

remove_place() { # PLACE
    kill_place "$1"
    ip netns del "$(netns "$1")" 2>/dev/null || true
    ip link del "$(link "$1")" 2>/dev/null || true
    find "$cgroups" -depth -type d -path "*/overround-$name-$1*" -exec rmdir {} + \
        2>/dev/null || true
}

down() {
    local one setting
    for one in "$dir"/n[1-9] "$dir/cp"; do
        [ ! -d "$one" ] || remove_place "$(basename "$one")"
    done
    ip route del "$services.0.0/16" 2>/dev/null || true
    ip link del "orbr$number" 2>/dev/null || true
    # Another cluster may still run, and its kubelets would change them again.
    [ -n "$(compgen -G '/run/netns/overround-*')" ] ||
        while read -r setting; do sysctl -qw "$setting"; done <"$dir/sysctls"
    for _ in $(seq 50); do
        rm -rf "$dir" 2>/dev/null && return
        sleep 0.1
    done
    die "cannot remove $dir"
}

pids() { # UID
    find "$cgroups/pids" -path "*pod$1*" -name cgroup.procs -exec cat {} + | sort -un
}

[ $# -ge 2 ] || { sed -n '2,21s/^# \{0,1\}//p' "$0"; exit 2; }
verb=$1 dir=$2
shift 2
mkdir -p "$(dirname "$dir")"
dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
if [ "$verb" = up ]; then
    name=$1 number=$2
    shift 2
else
    read -r name number <"$dir/cluster" || die "no cluster in $dir"
fi
net=10.210.$number pods=10.$((220 + number)) services=10.$((230 + number))
case $verb in
up) up "$1" ;;
node)
    node "$1"
    wait_for 120 is_ready "$1"
    ;;
image)
    cp "$1" "$dir/images/"
    for i in $(nodes); do import_image "n$i" "$dir/images/$(basename "$1")"; done
    ;;
host)
    echo "$*" >>"$dir/hosts"
    pid=$(inside cp pgrep -x dnsmasq)
    inside cp kill -HUP "$pid"
    ;;
cut) for place in "$@"; do ip link set "$(link "$place")" down; done ;;
heal) for place in "$@"; do ip link set "$(link "$place")" up; done ;;
dead)
    kill_place "n$1"
    rm -f "$dir/n$1/first.pid"
    ;;
pids) pids "$1" ;;
down) down ;;
*) die "no verb $verb" ;;
esac
