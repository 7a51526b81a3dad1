output "vpc_id" {
  value       = aws_vpc.this.id
  description = "The network."
}

output "cidr" {
  value       = aws_vpc.this.cidr_block
  description = "Its addresses."
}

output "public_subnets" {
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
  description = "Only for load balancers and NAT, in the zones' order."
}

output "private_subnets" {
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
  description = "For processes, in the zones' order."
}

output "data_subnets" {
  value       = [for zone in var.zones : aws_subnet.data[zone].id]
  description = "For stores; they have no way out."
}

output "nat_addresses" {
  value       = { for zone, address in aws_eip.nat : zone => address.public_ip }
  description = "Our addresses as suppliers of feeds see them."
}
