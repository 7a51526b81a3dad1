output "address" {
  value       = aws_eip.this.public_ip
  description = "The box."
}

output "image" {
  value       = module.images.url
  description = "Where images are pushed."
}

output "books" {
  value       = module.books.id
  description = "Where copies of the database are."
}

output "operators" {
  value       = "aws ssm start-session --target ${aws_instance.this.id} --document-name AWS-StartPortForwardingSession --parameters portNumber=8081,localPortNumber=8081"
  description = "The command by which operators log in; no port is open for them."
}
