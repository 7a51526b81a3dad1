output "arn" {
  value       = aws_msk_cluster.this.arn
  description = "The cluster."
}

output "name" {
  value       = aws_msk_cluster.this.cluster_name
  description = "For alarms."
}

output "brokers" {
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
  description = "For --bus kafka://…"
}

output "security_group" {
  value       = aws_security_group.this.id
  description = "Its security group."
}
