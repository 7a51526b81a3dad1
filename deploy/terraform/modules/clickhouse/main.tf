# Reports only: what is lost here is read again from Kafka and from the archive, so one
# server in one zone is enough, and nothing waits for it.
locals {
  ec2   = var.kind == "ec2" ? 1 : 0
  cloud = var.kind == "cloud" ? 1 : 0
  ports = var.kind == "ec2" ? ["8123"] : ["8443", "9440"]
}

resource "aws_security_group" "this" {
  name        = "${var.name}-clickhouse"
  description = "ClickHouse"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-clickhouse" }

  lifecycle {
    precondition {
      condition     = contains(["ec2", "cloud"], var.kind)
      error_message = "kind is ec2 or cloud."
    }
    precondition {
      condition     = var.kind != "cloud" || var.service_name != null
      error_message = "ClickHouse Cloud is reached by service_name."
    }
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = { for pair in setproduct(keys(var.clients), local.ports) : join(" ", pair) => pair }

  security_group_id            = aws_security_group.this.id
  description                  = each.value[0]
  referenced_security_group_id = var.clients[each.value[0]]
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value[1])
  to_port                      = tonumber(each.value[1])
}

# Kafka's brokers, packages, and nothing else.
resource "aws_vpc_security_group_egress_rule" "kafka" {
  count = local.ec2

  security_group_id = aws_security_group.this.id
  description       = "Kafka"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 9096
  to_port           = 9096
}

resource "aws_vpc_security_group_egress_rule" "packages" {
  for_each = var.kind == "ec2" ? toset(["80", "443"]) : toset([])

  security_group_id = aws_security_group.this.id
  description       = "packages, and AWS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_iam_role" "this" {
  count = local.ec2

  name = "${var.name}-clickhouse"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# Operators get a shell by Session Manager; no port is open for it.
resource "aws_iam_role_policy_attachment" "session" {
  count = local.ec2

  role       = aws_iam_role.this[0].name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "this" {
  count = local.ec2

  name = "${var.name}-clickhouse"
  role = aws_iam_role.this[0].name
}

resource "aws_ebs_volume" "data" {
  count = local.ec2

  availability_zone = var.zone
  type              = "gp3"
  size              = var.volume_gb
  encrypted         = true
  kms_key_id        = var.kms_key_arn
  tags              = { Name = "${var.name}-clickhouse" }
}

resource "aws_launch_template" "this" {
  count = local.ec2

  name     = "${var.name}-clickhouse"
  image_id = var.image_id

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type = "gp3"
      volume_size = 16
      encrypted   = true
      kms_key_id  = var.kms_key_arn
    }
  }
  tags = { Name = "${var.name}-clickhouse" }
}

resource "aws_instance" "this" {
  count = local.ec2

  launch_template {
    id      = aws_launch_template.this[0].id
    version = "$Latest"
  }
  instance_type               = var.instance_type
  subnet_id                   = var.subnet
  vpc_security_group_ids      = [aws_security_group.this.id]
  iam_instance_profile        = aws_iam_instance_profile.this[0].name
  associate_public_ip_address = false
  disable_api_termination     = var.deletion_protection
  user_data                   = file("${path.module}/files/cloud-init.yaml")
  tags                        = { Name = "${var.name}-clickhouse" }
  volume_tags                 = { Name = "${var.name}-clickhouse" }

  lifecycle {
    ignore_changes = [ami, user_data]
  }
}

resource "aws_volume_attachment" "data" {
  count = local.ec2

  device_name = "/dev/xvdb"
  volume_id   = aws_ebs_volume.data[0].id
  instance_id = aws_instance.this[0].id
}

resource "aws_vpc_endpoint" "cloud" {
  count = local.cloud

  vpc_id             = var.vpc_id
  service_name       = var.service_name
  vpc_endpoint_type  = "Interface"
  subnet_ids         = [var.subnet]
  security_group_ids = [aws_security_group.this.id]
  tags               = { Name = "${var.name}-clickhouse" }
}
