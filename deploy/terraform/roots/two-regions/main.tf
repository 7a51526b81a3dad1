# Two regions: the first takes bets, the second has a copy of the store that is a second
# old, a cluster with few nodes, and takes over by hand.  README.md: what is lost, and how
# long it takes.
resource "aws_rds_global_cluster" "this" {
  global_cluster_identifier = var.name
  engine                    = "aurora-postgresql"
  engine_version            = "16.6"
  database_name             = "overround"
  storage_encrypted         = true
  deletion_protection       = true
}

module "origin_certificate" {
  source = "../../modules/acm"

  domain  = "origin.${var.domain}"
  names   = ["origin-1.${var.domain}", "direct.${var.domain}", var.domain]
  zone_id = var.zone_id
}

module "second_certificate" {
  source    = "../../modules/acm"
  providers = { aws = aws.second }

  domain  = "origin.${var.domain}"
  names   = ["origin-2.${var.domain}", "direct.${var.domain}", var.domain]
  zone_id = var.zone_id
}

module "operator_certificate" {
  source = "../../modules/acm"

  domain  = "desk.${var.domain}"
  zone_id = var.zone_id
}

module "second_operator_certificate" {
  source    = "../../modules/acm"
  providers = { aws = aws.second }

  domain  = "desk-2.${var.domain}"
  zone_id = var.zone_id
}

module "edge_certificate" {
  source    = "../../modules/acm"
  providers = { aws = aws.edge }

  domain  = var.domain
  zone_id = var.zone_id
}

module "first" {
  source = "../../modules/region"

  name                     = "${var.name}-1"
  account_id               = var.account_id
  region                   = var.regions.first
  zones                    = var.zones.first
  cidr                     = "10.20.0.0/16"
  certificate_arn          = module.origin_certificate.arn
  operators                = true
  operator_certificate_arn = module.operator_certificate.arn
  operator_cidrs           = var.operator_cidrs
  edge_prefix_list         = var.edge_prefix_lists.first
  edge_key                 = var.edge_key
  global_cluster           = aws_rds_global_cluster.this.global_cluster_identifier
  master_password          = var.master_password
  rpo_s                    = var.rpo_s
  replicate_images_to      = { (var.regions.second) = var.account_id }
  lock_mode                = var.lock_mode
  scram_ready              = var.scram_ready
  runbook                  = var.runbook
  emails                   = var.emails
}

module "second" {
  source    = "../../modules/region"
  providers = { aws = aws.second }

  name                     = "${var.name}-2"
  account_id               = var.account_id
  region                   = var.regions.second
  zones                    = var.zones.second
  cidr                     = "10.21.0.0/16"
  certificate_arn          = module.second_certificate.arn
  operators                = true
  operator_certificate_arn = module.second_operator_certificate.arn
  operator_cidrs           = var.operator_cidrs
  edge_prefix_list         = var.edge_prefix_lists.second
  edge_key                 = var.edge_key
  global_cluster           = aws_rds_global_cluster.this.global_cluster_identifier
  secondary                = true
  source_region            = var.regions.first
  store_instances          = 2
  lock_mode                = var.lock_mode
  scram_ready              = var.scram_ready
  runbook                  = var.runbook
  emails                   = var.emails
  pools = {
    money = { types = ["m7a.large"], min = 2, max = 9, desired = 2 }
    web = {
      types   = ["m7a.large", "m6a.large", "m7i.large", "m6i.large"]
      spot    = true
      min     = 1
      max     = 20
      desired = 1
    }
  }
}

module "edge_keys" {
  source    = "../../modules/kms"
  providers = { aws = aws.edge }

  name       = "${var.name}-edge"
  account_id = var.account_id
  region     = "us-east-1"
  keys       = { logs = "logs of the firewall", alarms = "alarms of the edge" }
}

# Of the firewall what the policy says; without the file, the module's defaults.
locals {
  waf = var.edge_waf == null ? null : jsondecode(file(var.edge_waf))
}

module "edge" {
  source    = "../../modules/cloudfront"
  providers = { aws = aws.edge }

  name                 = var.name
  aliases              = [var.domain]
  certificate_arn      = module.edge_certificate.arn
  origin               = "origin.${var.domain}"
  origin_key           = var.edge_key
  origin_shield_region = var.regions.first
  policy               = var.edge_policy == null ? null : jsondecode(file(var.edge_policy))
  function_code        = var.edge_function == null ? "" : file(var.edge_function)
  countries            = try(local.waf.countries, null)
  open_paths           = try(local.waf.open_paths, null)
  rates                = try(local.waf.rates, null)
  agents               = try(local.waf.agents, null)
  log_refused          = true
  logs_key_arn         = module.edge_keys.arns["logs"]
}

# CloudFront asks for "origin": the first region while its load balancer has a healthy
# process (an alias's own check; one from outside has no edge's key), else the second.
# The second answers 503 to bets until its store is promoted, and pages meanwhile.
module "names" {
  source = "../../modules/route53"

  zone_id       = var.zone_id
  zone_name     = var.domain
  health_checks = { edge = { host = var.domain } }
  aliases = {
    public = {
      name     = var.domain
      target   = module.edge.domain_name
      zone_id  = module.edge.zone_id
      ipv6     = true
      evaluate = false
    }
    first = {
      name    = "origin.${var.domain}"
      target  = module.first.balancer.dns_name
      zone_id = module.first.balancer.zone_id
      policy  = "primary"
    }
    second = {
      name    = "origin.${var.domain}"
      target  = module.second.balancer.dns_name
      zone_id = module.second.balancer.zone_id
      policy  = "secondary"
    }
    origin-1 = {
      name    = "origin-1.${var.domain}"
      target  = module.first.balancer.dns_name
      zone_id = module.first.balancer.zone_id
    }
    origin-2 = {
      name    = "origin-2.${var.domain}"
      target  = module.second.balancer.dns_name
      zone_id = module.second.balancer.zone_id
    }
    desk = {
      name    = "desk.${var.domain}"
      target  = module.first.balancer.operator_dns_name
      zone_id = module.first.balancer.operator_zone_id
    }
    desk-2 = {
      name    = "desk-2.${var.domain}"
      target  = module.second.balancer.operator_dns_name
      zone_id = module.second.balancer.operator_zone_id
    }
    direct-1 = {
      name    = "direct.${var.domain}"
      target  = module.first.balancer.direct_dns_name
      zone_id = module.first.balancer.direct_zone_id
      policy  = "latency"
      region  = var.regions.first
    }
    direct-2 = {
      name    = "direct.${var.domain}"
      target  = module.second.balancer.direct_dns_name
      zone_id = module.second.balancer.direct_zone_id
      policy  = "latency"
      region  = var.regions.second
    }
  }
}

module "edge_alarms" {
  source    = "../../modules/alarms"
  providers = { aws = aws.edge }

  name            = "${var.name}-edge"
  kms_key_arn     = module.edge_keys.arns["alarms"]
  runbook         = var.runbook
  emails          = var.emails
  watch_edge      = true
  distribution_id = module.edge.id
  health_check_id = module.names.health_check_ids["edge"]
}

module "budget" {
  source = "../../modules/budgets"

  name          = var.name
  monthly_usd   = var.monthly_usd
  topic_arn     = module.first.ticket_topic
  anomaly_email = length(var.emails) > 0 ? var.emails[0] : var.owner
}
