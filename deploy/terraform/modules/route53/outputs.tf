output "zone_id" {
  value       = local.zone
  description = "The zone."
}

output "name_servers" {
  value       = one(aws_route53_zone.this[*].name_servers)
  description = "The name servers to enter at the registrar, if the zone was made here."
}

output "health_check_ids" {
  value       = { for name, check in aws_route53_health_check.this : name => check.id }
  description = "For alarms."
}
