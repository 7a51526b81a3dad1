locals {
  issuer = trimprefix(coalesce(var.oidc_issuer, "https://none"), "https://")
  trust = { for name, who in var.identities : name => who.irsa ? jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = var.oidc_arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "${local.issuer}:sub" = "system:serviceaccount:${who.namespace}:${who.service_account}"
        "${local.issuer}:aud" = "sts.amazonaws.com"
      } }
    }]
    }) : jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  }) }
}

resource "aws_iam_role" "this" {
  for_each = var.identities

  name               = "${var.name}-${each.key}"
  assume_role_policy = local.trust[each.key]

  lifecycle {
    precondition {
      condition     = !each.value.irsa || (var.oidc_arn != null && var.oidc_issuer != null)
      error_message = "IRSA needs oidc_arn and oidc_issuer."
    }
    precondition {
      condition     = !contains(flatten([for s in each.value.statements : s.actions]), "*")
      error_message = "Nobody may do everything."
    }
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = var.identities

  name = "own"
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for s in each.value.statements : merge(
      { Effect = "Allow", Action = s.actions, Resource = s.resources },
      { for k, v in { Condition = s.condition } : k => v if length(s.condition) > 0 },
    )]
  })
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = { for name, who in var.identities : name => who if !who.irsa }

  cluster_name    = var.cluster_name
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = aws_iam_role.this[each.key].arn
}

# overround object put never replaces an object by another: so this user may not delete.
resource "aws_iam_user" "archive" {
  count = var.archive_user == null ? 0 : 1

  name = "${var.name}-archive"
}

resource "aws_iam_user_policy" "archive" {
  count = var.archive_user == null ? 0 : 1

  name = "own"
  user = aws_iam_user.archive[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:ListBucket"], Resource = [var.archive_user.bucket_arn] },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:RestoreObject"]
        Resource = ["${var.archive_user.bucket_arn}/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [var.archive_user.key_arn]
      },
    ]
  })
}
