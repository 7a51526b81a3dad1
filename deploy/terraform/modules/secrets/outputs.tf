output "arns" {
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
  description = "ARNs by the secrets' names."
}
