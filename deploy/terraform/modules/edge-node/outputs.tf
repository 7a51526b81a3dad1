output "address" {
  value       = aws_eip.this.public_ip
  description = "The node's address; it stays when the machine is replaced."
}

output "instance_id" {
  value       = aws_instance.this.id
  description = "For a shell by Session Manager."
}

output "health_check_id" {
  value       = aws_route53_health_check.this.id
  description = "The health check of the node."
}

output "user_data" {
  value       = local.user_data
  description = "What the machine starts with, for tests."
}
