output "name" {
  value       = aws_eks_cluster.this.name
  description = "The cluster."
}

output "endpoint" {
  value       = aws_eks_cluster.this.endpoint
  description = "Its API."
}

output "certificate_authority" {
  value       = aws_eks_cluster.this.certificate_authority[0].data
  description = "The certificate authority for checking its certificate."
}

output "oidc_arn" {
  value       = aws_iam_openid_connect_provider.this.arn
  description = "For roles of pods by IRSA."
}

output "oidc_issuer" {
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
  description = "The issuer of the pods' tokens."
}

output "security_group" {
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description = "What nodes and pods have."
}

output "node_role_arn" {
  value       = aws_iam_role.node.arn
  description = "The nodes' role."
}
