output "id" {
  value       = aws_s3_bucket.this.id
  description = "The bucket's name."
}

output "arn" {
  value       = aws_s3_bucket.this.arn
  description = "For policies of who may read and write."
}

output "domain" {
  value       = aws_s3_bucket.this.bucket_regional_domain_name
  description = "Its address within the region."
}
