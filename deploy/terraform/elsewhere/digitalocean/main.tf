# Not run: no digitalocean provider can be had where this was written. Parsed and formatted
# by terraform, names of resources and arguments checked as README.md says; never planned.
#
# DigitalOcean: DOKS with a control plane in several copies, Managed PostgreSQL with a
# standby, Managed Kafka, Spaces for the books. One region is one zone here.
terraform {
  required_version = ">= 1.11"
  required_providers {
    digitalocean = {
      source  = "digitalocean/digitalocean"
      version = "~> 2.50"
    }
  }
}

# The token: DIGITALOCEAN_TOKEN; of Spaces: SPACES_ACCESS_KEY_ID, SPACES_SECRET_ACCESS_KEY.
provider "digitalocean" {}

locals {
  tags = [var.name, var.environment]
}

resource "digitalocean_vpc" "this" {
  name     = var.name
  region   = var.region
  ip_range = "10.50.0.0/16"
}

resource "digitalocean_kubernetes_cluster" "this" {
  name                             = var.name
  region                           = var.region
  version                          = var.kubernetes_version
  vpc_uuid                         = digitalocean_vpc.this.id
  ha                               = true
  auto_upgrade                     = false
  surge_upgrade                    = true
  destroy_all_associated_resources = false
  tags                             = local.tags

  maintenance_policy {
    day        = "tuesday"
    start_time = "04:00"
  }
  node_pool {
    name       = "money"
    size       = "c-2"
    auto_scale = true
    min_nodes  = 3
    max_nodes  = 9
    labels     = { pool = "money" }
    tags       = local.tags
  }
  control_plane_firewall {
    enabled           = true
    allowed_addresses = var.operator_cidrs
  }
}

resource "digitalocean_kubernetes_node_pool" "web" {
  cluster_id = digitalocean_kubernetes_cluster.this.id
  name       = "web"
  size       = "s-4vcpu-8gb"
  auto_scale = true
  min_nodes  = 2
  max_nodes  = 10
  labels     = { pool = "web" }
  tags       = local.tags
}

resource "digitalocean_database_cluster" "store" {
  name                 = "${var.name}-store"
  engine               = "pg"
  version              = "16"
  size                 = "db-s-4vcpu-8gb"
  region               = var.region
  node_count           = 2
  private_network_uuid = digitalocean_vpc.this.id
  tags                 = local.tags

  maintenance_window {
    day  = "tuesday"
    hour = "04:30:00"
  }
  lifecycle {
    prevent_destroy = true
  }
}

resource "digitalocean_database_cluster" "bus" {
  name                 = "${var.name}-bus"
  engine               = "kafka"
  version              = "3.8"
  size                 = "db-s-2vcpu-4gb"
  region               = var.region
  node_count           = 3
  private_network_uuid = digitalocean_vpc.this.id
  tags                 = local.tags
}

# Both are for the cluster alone.
resource "digitalocean_database_firewall" "this" {
  for_each = {
    store = digitalocean_database_cluster.store.id
    bus   = digitalocean_database_cluster.bus.id
  }

  cluster_id = each.value
  rule {
    type  = "k8s"
    value = digitalocean_kubernetes_cluster.this.id
  }
}

# Spaces has no object lock: the regulator's copy is with another provider, or is one.
resource "digitalocean_spaces_bucket" "books" {
  name          = "${var.name}-books"
  region        = var.region
  acl           = "private"
  force_destroy = false

  versioning {
    enabled = true
  }
  lifecycle_rule {
    enabled                                = true
    abort_incomplete_multipart_upload_days = 2
  }
}

# ---- edge nodes: a new country is one entry of the map -------------------------------

resource "digitalocean_firewall" "edge" {
  name = "${var.name}-edge"
  tags = [digitalocean_tag.edge.name]

  inbound_rule {
    protocol         = "tcp"
    port_range       = "443"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }
  inbound_rule {
    protocol         = "tcp"
    port_range       = "80"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }
  outbound_rule {
    protocol              = "tcp"
    port_range            = "1-65535"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
  outbound_rule {
    protocol              = "udp"
    port_range            = "53"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
}

resource "digitalocean_tag" "edge" {
  name = "${var.name}-edge"
}

# The name that leads here is with whoever does latency DNS (docs/EDGE.md).
resource "digitalocean_droplet" "edge" {
  for_each = var.edge_nodes

  name       = "${var.name}-edge-${each.key}"
  region     = each.value.region
  size       = each.value.size
  image      = "debian-12-x64"
  monitoring = true
  tags       = [digitalocean_tag.edge.name]
  user_data  = local.edge_user_data
}

resource "digitalocean_reserved_ip" "edge" {
  for_each = var.edge_nodes

  region     = each.value.region
  droplet_id = digitalocean_droplet.edge[each.key].id
}
