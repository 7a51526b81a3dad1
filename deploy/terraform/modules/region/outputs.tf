output "balancer" {
  value = {
    dns_name          = module.balancers.dns_name
    zone_id           = module.balancers.zone_id
    arn               = module.balancers.arn
    direct_dns_name   = module.balancers.direct_dns_name
    direct_zone_id    = module.balancers.direct_zone_id
    operator_dns_name = module.balancers.operator_dns_name
    operator_zone_id  = module.balancers.operator_zone_id
  }
  description = "For names."
}

output "target_groups" {
  value = {
    public   = module.balancers.target_groups
    operator = module.balancers.operator_target_groups
  }
  description = "For TargetGroupBindings."
}

output "cluster_name" {
  value       = module.cluster.name
  description = "aws eks update-kubeconfig --name …"
}

output "store_arn" {
  value       = module.store.arn
  description = "The database cluster."
}

output "store_endpoint" {
  value       = module.store.endpoint
  description = "Host of the writer."
}

output "brokers" {
  value       = module.bus.brokers
  description = "For bus.url of the chart: kafka://…"
}

output "analytics_host" {
  value       = module.analytics.host
  description = "ClickHouse."
}

output "books" {
  value       = module.books.id
  description = "archive.to of the chart: s3://…/overround"
}

output "secrets" {
  value       = module.secrets.arns
  description = "Secrets that must get a value before you install the chart."
}

output "page_topic" {
  value       = module.alarms.page_topic
  description = "Pages."
}

output "ticket_topic" {
  value       = module.alarms.ticket_topic
  description = "Tickets."
}

output "image" {
  value       = one(module.images[*].url)
  description = "The repository, in the first region."
}

output "logs_key_arn" {
  value       = module.keys.arns["logs"]
  description = "The key of logs."
}
