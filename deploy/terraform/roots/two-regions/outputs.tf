output "clusters" {
  value       = { first = module.first.cluster_name, second = module.second.cluster_name }
  description = "aws eks update-kubeconfig --name …"
}

output "stores" {
  value = {
    global = aws_rds_global_cluster.this.id
    first  = module.first.store_arn
    second = module.second.store_arn
  }
  description = "For failing over."
}

output "endpoints" {
  value       = { first = module.first.store_endpoint, second = module.second.store_endpoint }
  description = "Hosts of the writers; the second answers after it was promoted."
}

output "books" {
  value       = { first = module.first.books, second = module.second.books }
  description = "archive.to of either chart."
}

output "distribution" {
  value       = module.edge.id
  description = "For overround purge."
}
