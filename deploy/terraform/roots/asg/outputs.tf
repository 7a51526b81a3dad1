output "image" {
  value       = module.images.url
  description = "Where images are pushed."
}

output "store_address" {
  value       = module.store.address
  description = "Host of PostgreSQL."
}

output "brokers" {
  value       = module.bus.brokers
  description = "For the variable of this name."
}

output "books" {
  value       = module.books.id
  description = "For overround archive --to s3://…"
}

output "secrets" {
  value       = module.secrets.arns
  description = "Secrets that must get a value."
}

output "groups" {
  value       = { for name, group in module.group : name => group.name }
  description = "The Auto Scaling Groups."
}

output "distribution" {
  value       = module.edge.id
  description = "For overround purge."
}
