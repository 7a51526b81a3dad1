output "id" {
  value       = aws_cloudfront_distribution.this.id
  description = "The distribution, for overround purge and alarms."
}

output "arn" {
  value       = aws_cloudfront_distribution.this.arn
  description = "For Shield."
}

output "domain_name" {
  value       = aws_cloudfront_distribution.this.domain_name
  description = "What the public names are aliases of."
}

output "zone_id" {
  value       = aws_cloudfront_distribution.this.hosted_zone_id
  description = "Its zone."
}

output "web_acl_arn" {
  value       = aws_wafv2_web_acl.this.arn
  description = "The firewall."
}
