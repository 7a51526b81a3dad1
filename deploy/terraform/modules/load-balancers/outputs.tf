output "zone_id" {
  value       = aws_lb.public.zone_id
  description = "Route 53's zone of the public balancer, for alias records."
}

output "dns_name" {
  value       = aws_lb.public.dns_name
  description = "The public balancer."
}

output "arn" {
  value       = aws_lb.public.arn
  description = "For Shield and WAF."
}

output "suffix" {
  value       = aws_lb.public.arn_suffix
  description = "For metrics."
}

output "direct_dns_name" {
  value       = aws_lb.direct.dns_name
  description = "The balancer with fixed addresses."
}

output "direct_zone_id" {
  value       = aws_lb.direct.zone_id
  description = "Its zone."
}

output "direct_addresses" {
  value       = [for address in aws_eip.direct : address.public_ip]
  description = "Fixed addresses, for suppliers and for the day the CDN is gone."
}

output "operator_dns_name" {
  value       = one(aws_lb.operators[*].dns_name)
  description = "The operators' balancer, within the network."
}

output "operator_zone_id" {
  value       = one(aws_lb.operators[*].zone_id)
  description = "Its zone."
}

output "security_group" {
  value       = aws_security_group.balancer.id
  description = "What processes let in."
}

output "target_groups" {
  value       = { for role, group in aws_lb_target_group.public : role => group.arn }
  description = "Target groups of customers, by role."
}

output "operator_target_groups" {
  value       = { for role, group in aws_lb_target_group.operator : role => group.arn }
  description = "Target groups of operators, by role."
}

output "target_suffixes" {
  value       = { for role, group in aws_lb_target_group.public : role => group.arn_suffix }
  description = "For metrics."
}

output "operator_security_group" {
  value       = one(aws_security_group.operators[*].id)
  description = "What processes let in for operators; null where they have no balancer."
}
