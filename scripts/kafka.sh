#!/bin/bash
# A private Apache Kafka (KRaft, one node) in a folder of its own, on a free
# loopback port: for tests, benches and make cluster.
#
#   scripts/kafka.sh fetch                       fetches Kafka's jars into the cache
#   scripts/kafka.sh start DIR [-c name=value]…  prints HOST:PORT; @PORT@ and
#                                                @CONTROLLER@ in a value are its ports
#   scripts/kafka.sh stop DIR                    SIGTERM, and waits
#   scripts/kafka.sh kill DIR                    kill -9
#   scripts/kafka.sh restart DIR                 the same data and port again
#   scripts/kafka.sh drop DIR                    kills it and removes DIR
#   scripts/kafka.sh tool CLASS [ARGUMENT]…      one of Kafka's own programs
#
# Maven fetches the jars and checks their sums; scripts/kafka.pom.xml names the
# version.  KAFKA_HOST is another address of this machine to listen on, for the
# nodes of make kube.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
version=$(sed -n 's:.*kafka_2.13</artifactId><version>\(.*\)</version>.*:\1:p' "$here/kafka.pom.xml")
cache=$(cache_of "kafka-$version")
host=${KAFKA_HOST:-127.0.0.1}

fetch() {
    mvn -q -B -C -f "$here/kafka.pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$cache/libs"
}

java_of() { # HEAP
    local heap=$1
    shift
    java "-Xmx$heap" "-Xms64m" -XX:+UseSerialGC -XX:TieredStopAtLevel=${KAFKA_TIER:-4} \
        -Djava.awt.headless=true -cp "$cache/libs/*" "$@"
}

launch() { # DIR
    local dir=$1 port
    port=$(cat "$dir/port")
    (
        exec 9>&- </dev/null >>"$dir/out" 2>&1
        cd "$dir"
        KAFKA_TIER=${KAFKA_TIER:-4}
        exec setsid java "-Xmx${KAFKA_HEAP:-512m}" -Xms64m -XX:+UseSerialGC \
            "-XX:TieredStopAtLevel=$KAFKA_TIER" -Djava.awt.headless=true \
            "-Dlog4j.configuration=file:$dir/log4j.properties" \
            -cp "$cache/libs/*" kafka.Kafka "$dir/server.properties"
    ) &
    echo $! >"$dir/pid"
    for _ in $(seq 300); do
        taken "$host:$port" && grep -aq 'Kafka Server started' "$dir/out" && return
        runs "$(cat "$dir/pid")" || return 1
        sleep 0.1
    done
    return 1
}

start() {
    local dir=$1 port controller
    shift
    once "$cache" fetch
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    [ ! -e "$dir/server.properties" ] || die "$dir holds a server: use restart"
    for _ in 1 2 3; do
        port=$(free_port)
        controller=$(free_port)
        cat >"$dir/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://$host:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://$host:$port
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.retention.check.interval.ms=60000
END
        cat >"$dir/log4j.properties" <<END
log4j.rootLogger=WARN, stdout
log4j.logger.kafka.server.KafkaRaftServer=INFO
log4j.logger.org.apache.kafka.common.utils.AppInfoParser=OFF
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
END
        set -- "$@"
        local rest=("$@")
        while [ ${#rest[@]} -ge 2 ] && [ "${rest[0]}" = -c ]; do
            sed "s/@PORT@/$port/; s/@CONTROLLER@/$controller/" <<<"${rest[1]}" \
                >>"$dir/server.properties"
            rest=("${rest[@]:2}")
        done
        [ ${#rest[@]} = 0 ] || die "not understood: ${rest[*]}"
        echo "$port" >"$dir/port"
        : >"$dir/out"
        (cd "$dir" && java_of 256m "-Dlog4j.configuration=file:$dir/log4j.properties" \
            kafka.tools.StorageTool format -t overroundAAAAAAAAAAAAA -c "$dir/server.properties") \
            >"$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; die "format failed"; }
        if launch "$dir"; then
            echo "$host:$port"
            return
        fi
        kill_it "$dir"
        rm -rf "$dir/data"
    done
    tail -20 "$dir/out" >&2
    die "could not start"
}

pid_of() { cat "$1/pid" 2>/dev/null || true; }

wait_for_end() { # PID
    for _ in $(seq 300); do
        runs "$1" || return 0
        sleep 0.1
    done
    return 1
}

kill_it() {
    local pid
    pid=$(pid_of "$1")
    [ -z "$pid" ] || { kill -9 "$pid" 2>/dev/null && wait_for_end "$pid"; } || true
}

stop() {
    local pid
    pid=$(pid_of "$1")
    [ -n "$pid" ] || die "no server in $1"
    kill "$pid" 2>/dev/null || return 0
    wait_for_end "$pid" || kill_it "$1"
}

command=${1:-}
[ $# -ge 2 ] || [ "$command" = fetch ] || { sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 2; }
shift || true
case $command in
fetch) once "$cache" fetch ;;
start) start "$@" ;;
stop) stop "$1" ;;
kill) kill_it "$1" ;;
restart)
    launch "$(cd "$1" && pwd)" || die "could not start again"
    echo "$host:$(cat "$1/port")"
    ;;
drop)
    kill_it "$1"
    rm -rf "$1"
    ;;
tool)
    once "$cache" fetch
    class=$1
    shift
    java_of "${KAFKA_HEAP:-512m}" "$class" "$@"
    ;;
*) die "no command $command" ;;
esac
