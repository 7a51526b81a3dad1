output "host" {
  value = var.kind == "ec2" ? one(aws_instance.this[*].private_ip) : one(
    aws_vpc_endpoint.cloud[*].dns_entry[0].dns_name
  )
  description = "For --analytics http://HOST:8123/… and for deploy/clickhouse."
}

output "security_group" {
  value       = aws_security_group.this.id
  description = "Its security group."
}
