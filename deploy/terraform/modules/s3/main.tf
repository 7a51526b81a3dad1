resource "aws_s3_bucket" "this" {
  bucket              = var.name
  object_lock_enabled = var.lock_years > 0
  force_destroy       = false
  tags                = { Name = var.name }

  lifecycle {
    precondition {
      condition     = !(var.logs_of_load_balancers && var.kms_key_arn != null)
      error_message = "Load balancers cannot write into a bucket with a key of its own."
    }
    precondition {
      condition     = var.deep_after_days == 0 || var.deep_after_days >= var.instant_after_days + 90
      error_message = "Glacier Instant Retrieval charges for 90 days: Deep Archive before that costs more."
    }
    precondition {
      condition     = var.expire_after_days == 0 || var.expire_after_days >= var.lock_years * 365
      error_message = "What is locked cannot expire before the lock ends."
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  count = var.lock_years > 0 ? 1 : 0

  bucket = aws_s3_bucket.this.id
  rule {
    default_retention {
      mode  = var.lock_mode
      years = var.lock_years
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    bucket_key_enabled = var.kms_key_arn != null
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }
  rule {
    id     = "colder"
    status = "Enabled"
    filter {}

    dynamic "transition" {
      for_each = {
        for class, days in {
          GLACIER_IR   = var.instant_after_days
          DEEP_ARCHIVE = var.deep_after_days
        } :
        class => days
        if days > 0
      }
      content {
        storage_class = transition.key
        days          = transition.value
      }
    }
    dynamic "expiration" {
      for_each = var.expire_after_days > 0 ? [var.expire_after_days] : []
      content {
        days = expiration.value
      }
    }
    noncurrent_version_expiration {
      noncurrent_days = max(30, var.lock_years * 366)
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

locals {
  refuse = [{
    Sid       = "OnlyTls"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]
  deliver = var.logs_of_load_balancers ? [{
    Sid    = "LogsOfLoadBalancers"
    Effect = "Allow"
    Principal = {
      Service = ["logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com"]
    }
    Action    = "s3:PutObject"
    Resource  = "${aws_s3_bucket.this.arn}/AWSLogs/${var.account_id}/*"
    Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
  }] : []
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.refuse, local.deliver)
  })
  depends_on = [aws_s3_bucket_public_access_block.this]
}
