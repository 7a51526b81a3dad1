# One box: nginx with a certificate, overround on SQLite, a copy of the database to S3
# every hour.  What is bet after the last copy is lost with the disk.
module "network" {
  source = "../../modules/network"

  name      = var.name
  region    = var.region
  zones     = [var.zone]
  nat       = "none"
  endpoints = []
}

module "images" {
  source = "../../modules/ecr"

  name = "overround"
  keep = 5
}

# Copies of 35 days, no longer than you may know who somebody was.
module "books" {
  source = "../../modules/s3"

  name               = "${var.name}-books-${var.account_id}"
  account_id         = var.account_id
  instant_after_days = 0
  expire_after_days  = 35
}

# Five years for the regulator.
module "archive" {
  source = "../../modules/s3"

  name            = "${var.name}-archive-${var.account_id}"
  account_id      = var.account_id
  lock_years      = 5
  deep_after_days = 180
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "customers, and the proof of the certificate"
  vpc_id      = module.network.vpc_id
  tags        = { Name = var.name, Edge = "true" }
}

resource "aws_vpc_security_group_ingress_rule" "customers" {
  for_each = toset(["80", "443"])

  security_group_id = aws_security_group.this.id
  description       = "customers"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = toset(["80", "443", "5671"])

  security_group_id = aws_security_group.this.id
  description       = "AWS, packages, the feed"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_iam_role" "this" {
  name = "${var.name}-box"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# It may write copies, and take away none.
resource "aws_iam_role_policy" "this" {
  name = "own"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Registry"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken"]
        Resource = "*"
      },
      {
        Sid    = "Pull"
        Effect = "Allow"
        Action = [
          "ecr:BatchGetImage",
          "ecr:GetDownloadUrlForLayer",
          "ecr:BatchCheckLayerAvailability",
        ]
        Resource = [module.images.arn]
      },
      {
        Sid      = "List"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [module.books.arn, module.archive.arn]
      },
      {
        Sid      = "Copy"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = ["${module.books.arn}/*", "${module.archive.arn}/*"]
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "session" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-box"
  role = aws_iam_role.this.name
}

locals {
  conf = {
    REGION  = var.region
    IMAGE   = "${module.images.url}:${var.image_tag}"
    BOOKS   = "s3://${module.books.id}/backup"
    ARCHIVE = "s3://${module.archive.id}/overround"
    DOMAIN  = var.domain
    EMAIL   = var.acme_email
  }
  scripts = {
    for file in ["box.sh", "copy.sh"] :
    "/usr/local/lib/overround/${file}" => file("${path.module}/files/${file}")
  }
  files = {
    for file in ["overround.service", "overround-copy.service", "overround-copy.timer"] :
    "/etc/systemd/system/${file}" => file("${path.module}/files/${file}")
  }
  cloud_init = join("\n", ["#cloud-config", yamlencode({
    package_update = true
    packages = [
      "podman",
      "crun",
      "curl",
      "jq",
      "ca-certificates",
      "nginx-light",
      "certbot",
      "python3-certbot-nginx",
    ]
    write_files = concat(
      [{
        path        = "/etc/overround/instance.conf"
        permissions = "0600"
        content     = join("\n", concat([for key, value in local.conf : "${key}='${value}'"], [""]))
      }],
      [for path, text in local.scripts : { path = path, permissions = "0755", content = text }],
      [{
        path        = "/usr/local/lib/overround/aws.sh"
        permissions = "0644"
        content     = file("${path.module}/../../modules/asg/files/aws.sh")
      }],
      [{
        path        = "/etc/nginx/sites-enabled/default"
        permissions = "0644"
        content     = templatefile("${path.module}/files/site.conf", { domain = var.domain })
      }],
      [for path, text in local.files : { path = path, permissions = "0644", content = text }],
    )
    runcmd = [
      ["/usr/local/lib/overround/box.sh", "disk"],
      ["systemctl", "daemon-reload"],
      ["systemctl", "enable", "--now", "overround.service", "overround-copy.timer"],
      ["/usr/local/lib/overround/box.sh", "certificate"],
    ]
  }), ""])
}

resource "aws_launch_template" "this" {
  name     = var.name
  image_id = var.machine_image

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type = "gp3"
      volume_size = 8
      encrypted   = true
    }
  }
  tags = { Name = var.name }
}

resource "aws_instance" "this" {
  launch_template {
    id      = aws_launch_template.this.id
    version = "$Latest"
  }
  instance_type               = var.instance_type
  subnet_id                   = module.network.public_subnets[0]
  vpc_security_group_ids      = [aws_security_group.this.id]
  iam_instance_profile        = aws_iam_instance_profile.this.name
  associate_public_ip_address = false
  disable_api_termination     = true
  user_data_base64            = base64gzip(local.cloud_init)
  tags                        = { Name = var.name, Edge = "true" }
  volume_tags                 = { Name = var.name }

  lifecycle {
    ignore_changes = [ami, user_data_base64]
  }
}

# SQLite's disk outlives the box.
resource "aws_ebs_volume" "data" {
  availability_zone = var.zone
  type              = "gp3"
  size              = var.data_gb
  encrypted         = true
  tags              = { Name = "${var.name}-data" }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_volume_attachment" "data" {
  device_name = "/dev/xvdb"
  volume_id   = aws_ebs_volume.data.id
  instance_id = aws_instance.this.id
}

resource "aws_eip" "this" {
  domain = "vpc"
  tags   = { Name = var.name }
}

resource "aws_eip_association" "this" {
  allocation_id = aws_eip.this.id
  instance_id   = aws_instance.this.id
}

resource "aws_route53_record" "this" {
  zone_id = var.zone_id
  name    = var.domain
  type    = "A"
  ttl     = 300
  records = [aws_eip.this.public_ip]
}

resource "aws_budgets_budget" "month" {
  name         = "${var.name}-month"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  notification {
    comparison_operator        = "GREATER_THAN"
    notification_type          = "FORECASTED"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.acme_email]
  }
}
