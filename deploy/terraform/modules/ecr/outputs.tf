output "url" {
  value       = aws_ecr_repository.this.repository_url
  description = "What podman and the chart pull from."
}

output "arn" {
  value       = aws_ecr_repository.this.arn
  description = "For policies of who may pull."
}
