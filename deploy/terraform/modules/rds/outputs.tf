output "id" {
  value       = aws_db_instance.this.identifier
  description = "For alarms."
}

output "address" {
  value       = aws_db_instance.this.address
  description = "Host of the primary."
}

output "port" {
  value       = aws_db_instance.this.port
  description = "Its port."
}

output "master_secret_arn" {
  value       = try(aws_db_instance.this.master_user_secret[0].secret_arn, null)
  description = "The master's password, which RDS rotates."
}

output "security_group" {
  value       = aws_security_group.this.id
  description = "Its security group."
}
