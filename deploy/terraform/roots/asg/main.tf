# The same house without Kubernetes: a group of instances for each role that grows by
# itself, RDS with a standby in another zone, a small Kafka.
locals {
  groups = {
    core = {
      roles    = "feed,odds,settle"
      types    = ["m7a.large"]
      spot     = false
      min      = 2
      max      = 2
      warm     = 0
      schedule = {}
      public   = []
      operator = ["feed", "settle"]
    }
    bets = {
      roles    = "bets"
      types    = ["m7a.large"]
      spot     = false
      min      = 2
      max      = 8
      warm     = 1
      schedule = local.evenings
      public   = ["bets"]
      operator = ["bets"]
    }
    web = {
      roles    = "web"
      types    = ["m7a.large", "m6a.large", "m7i.large", "m6i.large"]
      spot     = true
      min      = 2
      max      = 20
      warm     = 0
      schedule = local.evenings
      public   = ["web"]
      operator = ["web"]
    }
  }
  # Spot is taken back within two minutes.
  drain_s = {
    for name, group in local.groups : name => group.spot ? min(var.drain_s, 90) : var.drain_s
  }
  evenings = {
    evening = { recurrence = "0 17 * * *", min = 3, time_zone = var.time_zone }
    night   = { recurrence = "30 23 * * *", min = 2, time_zone = var.time_zone }
  }
}

module "keys" {
  source = "../../modules/kms"

  name       = var.name
  account_id = var.account_id
  region     = var.region
}

module "network" {
  source = "../../modules/network"

  name         = var.name
  region       = var.region
  zones        = var.zones
  logs_key_arn = module.keys.arns["logs"]
}

module "images" {
  source = "../../modules/ecr"

  name        = "overround"
  kms_key_arn = module.keys.arns["data"]
}

module "secrets" {
  source = "../../modules/secrets"

  name        = var.name
  kms_key_arn = module.keys.arns["secrets"]
  secrets = {
    store = {
      description = "PostgreSQL, the product's own user: postgres://USER:PASSWORD@HOST/overround?sslmode=verify-full"
    }
    operator = { description = "the first operator's token" }
    kafka-conf = {
      description = "security.protocol=SASL_SSL,sasl.mechanism=SCRAM-SHA-512,sasl.username=…,sasl.password=…"
    }
    feed = { description = "amqps://USER:PASSWORD@HOST:5671/VHOST of the feed's broker" }
    bus = {
      description = "{\"username\":…,\"password\":…} of Kafka, for MSK itself"
      kafka       = true
    }
  }
}

module "books" {
  source = "../../modules/s3"

  name            = "${var.name}-books-${var.account_id}"
  account_id      = var.account_id
  kms_key_arn     = module.keys.arns["archive"]
  lock_years      = 5
  lock_mode       = var.lock_mode
  deep_after_days = 180
}

module "logs" {
  source = "../../modules/s3"

  name                   = "${var.name}-logs-${var.account_id}"
  account_id             = var.account_id
  logs_of_load_balancers = true
  instant_after_days     = 0
  expire_after_days      = 400
}

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
  zone_id = var.zone_id
}

module "balancers" {
  source = "../../modules/load-balancers"

  name                     = var.name
  vpc_id                   = module.network.vpc_id
  vpc_cidr                 = module.network.cidr
  public_subnets           = module.network.public_subnets
  private_subnets          = module.network.private_subnets
  certificate_arn          = module.origin_certificate.arn
  operators                = true
  operator_certificate_arn = module.operator_certificate.arn
  operator_cidrs           = var.operator_cidrs
  edge_prefix_list         = var.edge_prefix_list
  edge_key                 = var.edge_key
  logs_bucket              = module.logs.id
  target_type              = "instance"
  drain_s                  = max(90, var.drain_s)
}

module "group" {
  source   = "../../modules/asg"
  for_each = local.groups

  name           = "${var.name}-${each.key}"
  roles          = each.value.roles
  region         = var.region
  account_id     = var.account_id
  image          = "${module.images.url}:${var.image_tag}"
  repository_arn = module.images.arn
  vpc_id         = module.network.vpc_id
  subnets        = module.network.private_subnets
  instance_types = each.value.types
  spot           = each.value.spot
  min            = each.value.min
  max            = each.value.max
  warm           = each.value.warm
  schedule       = each.value.schedule
  key_arns       = [module.keys.arns["data"], module.keys.arns["secrets"]]
  from = {
    balancer  = module.balancers.security_group
    operators = module.balancers.operator_security_group
  }
  target_groups = concat(
    [for role in each.value.public : module.balancers.target_groups[role]],
    [for role in each.value.operator : module.balancers.operator_target_groups[role]]
  )
  tags    = local.tags
  drain_s = local.drain_s[each.key]
  # Of both instances: a day that is there is passed over.
  archive = each.key != "core" ? null : {
    to         = "s3://${module.books.id}/overround"
    bucket_arn = module.books.arn
    key_arn    = module.keys.arns["archive"]
  }
  settings = {
    proxies = "2"
    bus     = "kafka://${var.brokers}"
    drain-s = tostring(local.drain_s[each.key] - 15)
  }
  secrets = merge(
    {
      store          = module.secrets.arns["store"]
      operator-token = module.secrets.arns["operator"]
      kafka-conf     = module.secrets.arns["kafka-conf"]
    },
    each.key == "core" ? { amqp-url = module.secrets.arns["feed"] } : {},
  )
}

module "store" {
  source = "../../modules/rds"

  name        = var.name
  vpc_id      = module.network.vpc_id
  subnets     = module.network.data_subnets
  clients     = { for name, group in module.group : name => group.security_group }
  kms_key_arn = module.keys.arns["data"]
}

module "bus" {
  source = "../../modules/msk"

  name              = var.name
  vpc_id            = module.network.vpc_id
  subnets           = module.network.data_subnets
  clients           = { for name, group in module.group : name => group.security_group }
  kms_key_arn       = module.keys.arns["data"]
  logs_key_arn      = module.keys.arns["logs"]
  instance_type     = "kafka.t3.small"
  scram_secret_arns = var.scram_ready ? [module.secrets.arns["bus"]] : []
}

# Of the firewall what the policy says; without the file, the module's defaults.
locals {
  waf = var.edge_waf == null ? null : jsondecode(file(var.edge_waf))
}

module "edge" {
  source    = "../../modules/cloudfront"
  providers = { aws = aws.edge }

  name            = var.name
  aliases         = [var.domain]
  certificate_arn = module.edge_certificate.arn
  origin          = "origin.${var.domain}"
  origin_key      = var.edge_key
  policy          = var.edge_policy == null ? null : jsondecode(file(var.edge_policy))
  function_code   = var.edge_function == null ? "" : file(var.edge_function)
  countries       = try(local.waf.countries, null)
  open_paths      = try(local.waf.open_paths, null)
  rates           = try(local.waf.rates, null)
  agents          = try(local.waf.agents, null)
}

module "names" {
  source = "../../modules/route53"

  zone_id   = var.zone_id
  zone_name = var.domain
  aliases = {
    public = {
      name     = var.domain
      target   = module.edge.domain_name
      zone_id  = module.edge.zone_id
      ipv6     = true
      evaluate = false
    }
    origin = {
      name    = "origin.${var.domain}"
      target  = module.balancers.dns_name
      zone_id = module.balancers.zone_id
    }
    direct = {
      name    = "direct.${var.domain}"
      target  = module.balancers.direct_dns_name
      zone_id = module.balancers.direct_zone_id
    }
    desk = {
      name    = "desk.${var.domain}"
      target  = module.balancers.operator_dns_name
      zone_id = module.balancers.operator_zone_id
    }
  }
}

module "alarms" {
  source = "../../modules/alarms"

  name          = var.name
  kms_key_arn   = module.keys.arns["secrets"]
  runbook       = var.runbook
  emails        = var.emails
  load_balancer = { suffix = module.balancers.suffix, targets = module.balancers.target_suffixes }
  database      = { id = module.store.id, cluster = false, max_connections = 500 }
  kafka         = { cluster = module.bus.name }
}

module "budget" {
  source = "../../modules/budgets"

  name          = var.name
  monthly_usd   = var.monthly_usd
  topic_arn     = module.alarms.ticket_topic
  anomaly_email = length(var.emails) > 0 ? var.emails[0] : var.owner
}
