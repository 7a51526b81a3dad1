output "cluster_name" {
  value       = module.region.cluster_name
  description = "aws eks update-kubeconfig --name …"
}

output "image" {
  value       = module.region.image
  description = "Where images are pushed."
}

output "store_endpoint" {
  value       = module.region.store_endpoint
  description = "Host of PostgreSQL's writer."
}

output "brokers" {
  value       = module.region.brokers
  description = "bus.url of the chart."
}

output "books" {
  value       = module.region.books
  description = "archive.to of the chart."
}

output "target_groups" {
  value       = module.region.target_groups
  description = "For TargetGroupBindings."
}

output "secrets" {
  value       = module.region.secrets
  description = "Secrets that must get a value."
}

output "distribution" {
  value       = module.edge.id
  description = "For overround purge."
}

output "public_name" {
  value       = var.domain
  description = "Customers."
}
