output "name" {
  value       = aws_autoscaling_group.this.name
  description = "The group."
}

output "security_group" {
  value       = aws_security_group.this.id
  description = "What stores let in."
}

output "role_name" {
  value       = aws_iam_role.this.name
  description = "The instances' role, for further policies."
}

output "user_data" {
  value       = local.cloud_init
  description = "What instances start with, for tests."
}
