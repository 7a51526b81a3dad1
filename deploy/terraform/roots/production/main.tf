# One region, three zones, Kubernetes, CloudFront before it.
module "origin_certificate" {
  source = "../../modules/acm"

  domain  = "origin.${var.domain}"
  names   = ["direct.${var.domain}", var.domain]
  zone_id = var.zone_id
}

module "operator_certificate" {
  source = "../../modules/acm"

  domain  = "desk.${var.domain}"
  zone_id = var.zone_id
}

module "edge_certificate" {
  source    = "../../modules/acm"
  providers = { aws = aws.edge }

  domain  = var.domain
  names   = ["www.${var.domain}"]
  zone_id = var.zone_id
}

module "region" {
  source = "../../modules/region"

  name                     = var.name
  account_id               = var.account_id
  region                   = var.region
  zones                    = var.zones
  certificate_arn          = module.origin_certificate.arn
  operators                = true
  operator_certificate_arn = module.operator_certificate.arn
  operator_cidrs           = var.operator_cidrs
  edge_prefix_list         = var.edge_prefix_list
  edge_key                 = var.edge_key
  direct_open              = var.direct_open
  access                   = var.access
  lock_mode                = var.lock_mode
  scram_ready              = var.scram_ready
  rotation_lambda_arn      = var.rotation_lambda_arn
  runbook                  = var.runbook
  emails                   = var.emails
}

# What the edge logs and alarms is in us-east-1.
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
  aliases              = [var.domain, "www.${var.domain}"]
  certificate_arn      = module.edge_certificate.arn
  origin               = "origin.${var.domain}"
  origin_key           = var.edge_key
  origin_shield_region = var.region
  policy               = var.edge_policy == null ? null : jsondecode(file(var.edge_policy))
  function_code        = var.edge_function == null ? "" : file(var.edge_function)
  countries            = try(local.waf.countries, null)
  open_paths           = try(local.waf.open_paths, null)
  rates                = try(local.waf.rates, null)
  agents               = try(local.waf.agents, null)
  log_refused          = true
  logs_key_arn         = module.edge_keys.arns["logs"]
}

module "names" {
  source = "../../modules/route53"

  zone_id       = var.zone_id
  zone_name     = var.domain
  health_checks = { edge = { host = var.domain } }
  aliases = {
    public = {
      name     = var.domain
      target   = var.direct_open ? module.region.balancer.direct_dns_name : module.edge.domain_name
      zone_id  = var.direct_open ? module.region.balancer.direct_zone_id : module.edge.zone_id
      ipv6     = !var.direct_open
      evaluate = false
    }
    www = {
      name     = "www.${var.domain}"
      target   = module.edge.domain_name
      zone_id  = module.edge.zone_id
      ipv6     = true
      evaluate = false
    }
    origin = {
      name    = "origin.${var.domain}"
      target  = module.region.balancer.dns_name
      zone_id = module.region.balancer.zone_id
    }
    direct = {
      name    = "direct.${var.domain}"
      target  = module.region.balancer.direct_dns_name
      zone_id = module.region.balancer.direct_zone_id
    }
    desk = {
      name    = "desk.${var.domain}"
      target  = module.region.balancer.operator_dns_name
      zone_id = module.region.balancer.operator_zone_id
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

module "shield" {
  source = "../../modules/shield"

  enabled          = var.shield
  resources        = { edge = module.edge.arn, balancer = module.region.balancer.arn }
  emergency_emails = var.emails
}

module "budget" {
  source = "../../modules/budgets"

  name          = var.name
  monthly_usd   = var.monthly_usd
  topic_arn     = module.region.ticket_topic
  anomaly_email = length(var.emails) > 0 ? var.emails[0] : var.owner
}
