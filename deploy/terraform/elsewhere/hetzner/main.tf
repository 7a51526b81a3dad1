# Not run: no hcloud provider can be had where this was written. Parsed and formatted by
# terraform, names of resources and arguments checked as README.md says; never planned.
#
# Hetzner: servers in three locations of one network zone, k3s on them by cloud-init, a load
# balancer before the gateway. PostgreSQL is CloudNativePG with a synchronous standby, Kafka
# is Strimzi, both in the cluster; the books go to Object Storage (s3.virtualHost: true).
terraform {
  required_version = ">= 1.11"
  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "~> 1.50"
    }
  }
}

# The token: HCLOUD_TOKEN.
provider "hcloud" {}

locals {
  labels    = { house = var.name, environment = var.environment, owner = var.owner }
  locations = ["fsn1", "nbg1", "hel1"]
}

resource "hcloud_network" "this" {
  name              = var.name
  ip_range          = "10.40.0.0/16"
  delete_protection = true
  labels            = local.labels
}

resource "hcloud_network_subnet" "this" {
  network_id   = hcloud_network.this.id
  type         = "cloud"
  network_zone = "eu-central"
  ip_range     = "10.40.1.0/24"
}

# From outside: the load balancer by the private network, operators by SSH and the API.
resource "hcloud_firewall" "nodes" {
  name   = "${var.name}-nodes"
  labels = local.labels

  rule {
    direction   = "in"
    protocol    = "tcp"
    port        = "22"
    source_ips  = var.operator_cidrs
    description = "operators"
  }
  rule {
    direction   = "in"
    protocol    = "tcp"
    port        = "6443"
    source_ips  = var.operator_cidrs
    description = "the API"
  }
}

resource "hcloud_placement_group" "money" {
  name   = "${var.name}-money"
  type   = "spread"
  labels = local.labels
}

# One server a location runs the control plane and money; lost with its location, the two
# others go on.
resource "hcloud_server" "money" {
  for_each = { for i, location in local.locations : location => i }

  name               = "${var.name}-money-${each.key}"
  server_type        = "ccx23"
  image              = "debian-12"
  location           = each.key
  ssh_keys           = var.ssh_keys
  firewall_ids       = [hcloud_firewall.nodes.id]
  placement_group_id = each.value == 0 ? hcloud_placement_group.money.id : null
  backups            = true
  delete_protection  = true
  rebuild_protection = true
  labels             = merge(local.labels, { pool = "money" })
  user_data = templatefile("${path.module}/cloud-init.yaml", {
    role    = "server"
    first   = each.value == 0
    address = "10.40.1.${10 + each.value}"
    leader  = "10.40.1.10"
    token   = var.cluster_token
    pool    = "money"
    taint   = ""
  })

  network {
    network_id = hcloud_network.this.id
    ip         = "10.40.1.${10 + each.value}"
  }
  lifecycle {
    ignore_changes = [user_data, image]
  }
  depends_on = [hcloud_network_subnet.this]
}

resource "hcloud_server" "web" {
  count = var.web_servers

  name         = "${var.name}-web-${count.index}"
  server_type  = "cpx31"
  image        = "debian-12"
  location     = local.locations[count.index % 3]
  ssh_keys     = var.ssh_keys
  firewall_ids = [hcloud_firewall.nodes.id]
  labels       = merge(local.labels, { pool = "web" })
  user_data = templatefile("${path.module}/cloud-init.yaml", {
    role    = "agent"
    first   = false
    address = "10.40.1.${100 + count.index}"
    leader  = "10.40.1.10"
    token   = var.cluster_token
    pool    = "web"
    taint   = "pool=web:NoSchedule"
  })

  network {
    network_id = hcloud_network.this.id
    ip         = "10.40.1.${100 + count.index}"
  }
  lifecycle {
    ignore_changes = [user_data, image]
  }
  depends_on = [hcloud_server.money]
}

resource "hcloud_load_balancer" "public" {
  name               = "${var.name}-public"
  load_balancer_type = "lb21"
  location           = local.locations[0]
  delete_protection  = true
  labels             = local.labels
}

resource "hcloud_load_balancer_network" "public" {
  load_balancer_id = hcloud_load_balancer.public.id
  subnet_id        = hcloud_network_subnet.this.id
}

# TLS ends at the gateway, which learns the customer's address by the PROXY protocol.
resource "hcloud_load_balancer_service" "https" {
  load_balancer_id = hcloud_load_balancer.public.id
  protocol         = "tcp"
  listen_port      = 443
  destination_port = 30443
  proxyprotocol    = true

  health_check {
    protocol = "tcp"
    port     = 30443
    interval = 5
    timeout  = 2
    retries  = 2
  }
}

resource "hcloud_load_balancer_target" "nodes" {
  type             = "label_selector"
  load_balancer_id = hcloud_load_balancer.public.id
  label_selector   = "house=${var.name}"
  use_private_ip   = true
  depends_on       = [hcloud_load_balancer_network.public]
}

# ---- edge nodes: a new country is one entry of the map -------------------------------

resource "hcloud_firewall" "edge" {
  name   = "${var.name}-edge"
  labels = local.labels

  rule {
    direction   = "in"
    protocol    = "tcp"
    port        = "443"
    source_ips  = ["0.0.0.0/0", "::/0"]
    description = "customers"
  }
  rule {
    direction   = "in"
    protocol    = "tcp"
    port        = "80"
    source_ips  = ["0.0.0.0/0", "::/0"]
    description = "ACME"
  }
}

resource "hcloud_primary_ip" "edge" {
  for_each = var.edge_nodes

  name          = "${var.name}-edge-${each.key}"
  type          = "ipv4"
  assignee_type = "server"
  datacenter    = each.value.datacenter
  auto_delete   = false
  labels        = local.labels
}

# The name that leads here is with whoever does latency DNS (docs/EDGE.md).
resource "hcloud_server" "edge" {
  for_each = var.edge_nodes

  name         = "${var.name}-edge-${each.key}"
  server_type  = each.value.type
  image        = "debian-12"
  datacenter   = each.value.datacenter
  firewall_ids = [hcloud_firewall.edge.id]
  labels       = merge(local.labels, { pool = "edge" })
  user_data    = local.edge_user_data

  public_net {
    ipv4         = hcloud_primary_ip.edge[each.key].id
    ipv6_enabled = false
  }
}
