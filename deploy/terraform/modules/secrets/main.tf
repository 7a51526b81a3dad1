resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  name                    = each.value.kafka ? "AmazonMSK_${var.name}-${each.key}" : "${var.name}/${each.key}"
  description             = each.value.description
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 30

  lifecycle {
    precondition {
      condition     = each.value.rotate_days == 0 || var.rotation_lambda_arn != null
      error_message = "A secret that rotates needs rotation_lambda_arn."
    }
  }
}

resource "aws_secretsmanager_secret_rotation" "this" {
  for_each = {
    for name, secret in var.secrets :
    name => secret.rotate_days
    if secret.rotate_days > 0
  }

  secret_id           = aws_secretsmanager_secret.this[each.key].id
  rotation_lambda_arn = var.rotation_lambda_arn
  rotation_rules {
    automatically_after_days = each.value
  }
}
