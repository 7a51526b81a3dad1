locals {
  zone = var.zone_id == null ? one(aws_route53_zone.this[*].zone_id) : var.zone_id
  # A record for IPv4, and one for IPv6 where the target has it.
  records = merge(
    [
      for key, alias in var.aliases :
      {
        for type in alias.ipv6 ? ["A", "AAAA"] : ["A"] :
        "${key} ${type}" => merge(alias, { key = key, type = type })
      }
    ]...
  )
}

resource "aws_route53_zone" "this" {
  count = var.zone_id == null ? 1 : 0

  name = var.zone_name
  tags = { Name = var.zone_name }
}

resource "aws_route53_health_check" "this" {
  for_each = var.health_checks

  type              = "HTTPS"
  fqdn              = each.value.host
  port              = 443
  resource_path     = each.value.path
  request_interval  = 10
  failure_threshold = 3
  enable_sni        = true
  regions           = each.value.regions
  tags              = { Name = each.key }
}

resource "aws_route53_record" "alias" {
  for_each = local.records

  zone_id         = local.zone
  name            = each.value.name
  type            = each.value.type
  set_identifier  = each.value.policy == "simple" ? null : each.value.key
  health_check_id = each.value.health_check == null ? null : aws_route53_health_check.this[each.value.health_check].id

  alias {
    name                   = each.value.target
    zone_id                = each.value.zone_id
    evaluate_target_health = each.value.evaluate
  }
  dynamic "latency_routing_policy" {
    for_each = each.value.policy == "latency" ? [each.value.region] : []
    content {
      region = latency_routing_policy.value
    }
  }
  dynamic "failover_routing_policy" {
    for_each = contains(
      ["primary", "secondary"],
      each.value.policy
    ) ? [upper(each.value.policy)] : []
    content {
      type = failover_routing_policy.value
    }
  }
}

resource "aws_route53_record" "address" {
  for_each = var.addresses

  zone_id         = local.zone
  name            = each.value.name
  type            = strcontains(each.value.address, ":") ? "AAAA" : "A"
  ttl             = var.ttl
  records         = [each.value.address]
  set_identifier  = each.key
  health_check_id = each.value.health_check == null ? null : aws_route53_health_check.this[each.value.health_check].id

  latency_routing_policy {
    region = each.value.region
  }
}
