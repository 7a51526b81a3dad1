# A key for each kind of data, so that who may read logs cannot read backups.
resource "aws_kms_key" "this" {
  for_each = var.keys

  description             = "${var.name}: ${each.value}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  multi_region            = var.multi_region
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.administer, each.key == "logs" ? local.logs : [], local.topics)
  })
  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_kms_alias" "this" {
  for_each = aws_kms_key.this

  name          = "alias/${var.name}-${each.key}"
  target_key_id = each.value.key_id
}

locals {
  # Within a key's own policy "*" is this key.  Without this statement nobody could
  # change the policy again; who may do what is then said by IAM.
  administer = [{
    Sid       = "AccountAdministers"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }]
  logs = [{
    Sid       = "LogsOfThisAccount"
    Effect    = "Allow"
    Principal = { Service = "logs.${var.region}.amazonaws.com" }
    Action = [
      "kms:Encrypt",
      "kms:Decrypt",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
      "kms:GenerateDataKey",
      "kms:DescribeKey",
    ]
    Resource = "*"
    Condition = {
      ArnLike = {
        "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:${var.region}:${var.account_id}:log-group:*"
      }
    }
  }]
  # Alarms and budgets publish to topics that are encrypted.
  topics = [{
    Sid       = "AlarmsToTopics"
    Effect    = "Allow"
    Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = "*"
    Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
  }]
}
