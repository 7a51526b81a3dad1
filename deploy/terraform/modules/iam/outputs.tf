output "role_arns" {
  value       = { for name, role in aws_iam_role.this : name => role.arn }
  description = "Roles by the identities' names; IRSA's go into the service account's annotation eks.amazonaws.com/role-arn."
}

output "archive_user" {
  value       = one(aws_iam_user.archive[*].name)
  description = "aws iam create-access-key --user-name …"
}
