output "arns" {
  value       = { for name, key in aws_kms_key.this : name => key.arn }
  description = "ARNs by the keys' names."
}

output "ids" {
  value       = { for name, key in aws_kms_key.this : name => key.key_id }
  description = "Ids by the keys' names."
}
