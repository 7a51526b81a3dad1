output "id" {
  value       = aws_rds_cluster.this.cluster_identifier
  description = "For alarms and for failing over."
}

output "arn" {
  value       = aws_rds_cluster.this.arn
  description = "For the global database."
}

output "endpoint" {
  value       = aws_rds_cluster.this.endpoint
  description = "Host that leads to the instance that writes."
}

output "reader_endpoint" {
  value       = aws_rds_cluster.this.reader_endpoint
  description = "Host of the readers, for reports by hand."
}

output "master_secret_arn" {
  value       = try(aws_rds_cluster.this.master_user_secret[0].secret_arn, null)
  description = "The master's password, which RDS rotates; none in a global database."
}

output "security_group" {
  value       = aws_security_group.this.id
  description = "Its security group."
}
