# Edge nodes in several regions, before a platform that is elsewhere.  A region that has no
# block here needs one, and a provider: a provider's region cannot be an entry of a map.
locals {
  policy = merge(
    yamldecode(file("${path.module}/edge.yaml")),
    {
      hostnames = {
        public   = var.domain
        direct   = "direct.${var.domain}"
        operator = "desk.${var.domain}"
      }
      origins = var.origins
    },
    var.policy,
  )
  in_region = {
    for region in distinct(values(var.nodes)[*].region) :
    region => { for name, node in var.nodes : name => node if node.region == region }
  }
  common = {
    account_id     = var.account_id
    hostname       = var.domain
    names          = [var.domain, "direct.${var.domain}"]
    zone_id        = var.zone_id
    image          = var.image
    image_sum      = var.image_sum
    acme_email     = var.owner
    countries      = var.countries
    secret_arn     = var.secret_arn
    secret_key_arn = var.secret_key_arn
    tags           = local.tags
  }
}

module "eu_central_1" {
  source   = "../../modules/edge-node"
  for_each = lookup(local.in_region, "eu-central-1", {})

  name           = "${var.name}-edge-${each.key}"
  region         = each.value.region
  instance_type  = each.value.instance_type
  leaving        = each.value.leaving
  protected      = each.value.protected
  policy         = local.policy
  account_id     = local.common.account_id
  hostname       = local.common.hostname
  names          = local.common.names
  zone_id        = local.common.zone_id
  image          = local.common.image
  image_sum      = local.common.image_sum
  acme_email     = local.common.acme_email
  countries      = local.common.countries
  secret_arn     = local.common.secret_arn
  secret_key_arn = local.common.secret_key_arn
  tags           = local.common.tags
}

module "eu_south_1" {
  source    = "../../modules/edge-node"
  for_each  = lookup(local.in_region, "eu-south-1", {})
  providers = { aws = aws.eu-south-1 }

  name           = "${var.name}-edge-${each.key}"
  region         = each.value.region
  instance_type  = each.value.instance_type
  leaving        = each.value.leaving
  protected      = each.value.protected
  policy         = local.policy
  account_id     = local.common.account_id
  hostname       = local.common.hostname
  names          = local.common.names
  zone_id        = local.common.zone_id
  image          = local.common.image
  image_sum      = local.common.image_sum
  acme_email     = local.common.acme_email
  countries      = local.common.countries
  secret_arn     = local.common.secret_arn
  secret_key_arn = local.common.secret_key_arn
  tags           = local.common.tags
}

module "sa_east_1" {
  source    = "../../modules/edge-node"
  for_each  = lookup(local.in_region, "sa-east-1", {})
  providers = { aws = aws.sa-east-1 }

  name           = "${var.name}-edge-${each.key}"
  region         = each.value.region
  instance_type  = each.value.instance_type
  leaving        = each.value.leaving
  protected      = each.value.protected
  policy         = local.policy
  account_id     = local.common.account_id
  hostname       = local.common.hostname
  names          = local.common.names
  zone_id        = local.common.zone_id
  image          = local.common.image
  image_sum      = local.common.image_sum
  acme_email     = local.common.acme_email
  countries      = local.common.countries
  secret_arn     = local.common.secret_arn
  secret_key_arn = local.common.secret_key_arn
  tags           = local.common.tags
}

module "ap_southeast_1" {
  source    = "../../modules/edge-node"
  for_each  = lookup(local.in_region, "ap-southeast-1", {})
  providers = { aws = aws.ap-southeast-1 }

  name           = "${var.name}-edge-${each.key}"
  region         = each.value.region
  instance_type  = each.value.instance_type
  leaving        = each.value.leaving
  protected      = each.value.protected
  policy         = local.policy
  account_id     = local.common.account_id
  hostname       = local.common.hostname
  names          = local.common.names
  zone_id        = local.common.zone_id
  image          = local.common.image
  image_sum      = local.common.image_sum
  acme_email     = local.common.acme_email
  countries      = local.common.countries
  secret_arn     = local.common.secret_arn
  secret_key_arn = local.common.secret_key_arn
  tags           = local.common.tags
}
