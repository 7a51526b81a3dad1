output "url" {
  value       = aws_ecr_repository.this.repository_url
  description = "The registry from which podman and the chart pull."
}

output "arn" {
  value       = aws_ecr_repository.this.arn
  description = "For policies of who may pull."
}
