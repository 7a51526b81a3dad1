# An edge node on a machine of its own, in any region: a small network, an address that
# stays, Debian 12 with deploy/edge/cloud-init.yaml, and a name that leads customers here
# when this is the nearest node that is well.
locals {
  edge  = "${path.module}/../../../edge"
  box   = "${local.edge}/box"
  names = var.names == null ? [var.hostname] : var.names
  policy = merge(
    var.policy,
    {
      node = merge(
        try(var.policy.node, {}),
        {
          listen      = "0.0.0.0"
          port        = 443
          certificate = "/run/overround-edge/tls.pem"
          run         = "/run/overround-edge"
          cache       = "/var/cache/overround-edge"
        },
        var.countries == "" ? {} : { geoip = "/var/lib/overround-edge/country.mmdb" },
      )
    },
  )
  # DNS goes on leading here for three failures of a check every 10 s, and for a TTL.
  leave_s = 30 + var.ttl_s
  # Read by the shell, so every value is quoted as it does.
  conf = join("", [
    for key, value in {
      IMAGE      = var.image
      IMAGE_SUM  = var.image_sum
      DOMAIN     = var.hostname
      EMAIL      = var.acme_email
      COUNTRIES  = var.countries
      LEAVE_S    = tostring(local.leave_s)
      SECRET_ARN = var.secret_arn
      REGION     = split(":", var.secret_arn)[3]
    } : "${key}='${replace(value, "'", "'\\''")}'\n"
  ])
  user_data = templatefile("${local.edge}/cloud-init.yaml", {
    policy            = base64encode(jsonencode(local.policy))
    conf              = base64encode(local.conf)
    secret            = ""
    edge_sh           = base64gzip(file("${local.box}/edge.sh"))
    aws_sh            = base64gzip(file("${path.module}/../asg/files/aws.sh"))
    node_service      = filebase64("${local.box}/overround-edge.service")
    countries_service = filebase64("${local.box}/overround-edge-countries.service")
    countries_timer   = filebase64("${local.box}/overround-edge-countries.timer")
    nftables          = filebase64("${local.box}/nftables.conf")
  })
}

# ---- its network --------------------------------------------------------------------

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${var.name}-closed" }
}

resource "aws_subnet" "this" {
  vpc_id                  = aws_vpc.this.id
  cidr_block              = var.cidr
  map_public_ip_on_launch = false
  tags                    = { Name = var.name }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.name }
}

resource "aws_route_table" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = var.name }

  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.this.id
  }
}

resource "aws_route_table_association" "this" {
  subnet_id      = aws_subnet.this.id
  route_table_id = aws_route_table.this.id
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "overround edge node"
  vpc_id      = aws_vpc.this.id
  tags        = { Name = var.name, Edge = "true" }
}

# Customers, and on 80 ACME.
resource "aws_vpc_security_group_ingress_rule" "customers" {
  for_each = toset(["80", "443"])

  security_group_id = aws_security_group.this.id
  description       = "customers, ACME"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

# The origins, Debian's packages, AWS, ACME.
resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = toset(
    concat(["80", "443"], [for origin in var.policy.origins : tostring(origin.port)])
  )

  security_group_id = aws_security_group.this.id
  description       = "origins, packages"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

# The address is there before the machine, which asks for packages when it boots.
resource "aws_network_interface" "this" {
  subnet_id       = aws_subnet.this.id
  security_groups = [aws_security_group.this.id]
  tags            = { Name = var.name }
}

resource "aws_eip" "this" {
  domain            = "vpc"
  network_interface = aws_network_interface.this.id
  tags              = { Name = var.name, Edge = "true" }
  depends_on        = [aws_internet_gateway.this]
}

# ---- what it may do -------------------------------------------------------------------

resource "aws_iam_role" "this" {
  name = var.name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "own"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Secret"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [var.secret_arn]
      },
      { Sid = "Key", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [var.secret_key_arn] },
    ]
  })
}

# Operators get a shell by Session Manager; no port is open for it.
resource "aws_iam_role_policy_attachment" "session" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "this" {
  name = var.name
  role = aws_iam_role.this.name
}

# ---- the machine ------------------------------------------------------------------------

resource "aws_launch_template" "this" {
  name                   = var.name
  image_id               = var.machine_image
  instance_type          = var.instance_type
  update_default_version = true
  user_data              = base64gzip(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }
  # Containers use the host's network, so one hop is enough.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = 16
      encrypted             = true
      delete_on_termination = true
    }
  }
  tag_specifications {
    resource_type = "volume"
    tags          = merge(var.tags, { Name = var.name })
  }
  tags = { Name = var.name }
}

# Another policy or image is another machine; its address stays.
resource "aws_instance" "this" {
  disable_api_termination = var.protected
  tags                    = { Name = var.name }
  depends_on              = [aws_eip.this, aws_route_table_association.this]

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }
  network_interface {
    network_interface_id = aws_network_interface.this.id
    device_index         = 0
  }
  lifecycle {
    replace_triggered_by = [aws_launch_template.this.latest_version]
  }
}

# ---- how customers find it ------------------------------------------------------------

# By a name that is none of the customers': the node itself answers for its health.
resource "aws_route53_health_check" "this" {
  type              = "HTTPS"
  ip_address        = aws_eip.this.public_ip
  fqdn              = "node.${var.hostname}"
  port              = 443
  resource_path     = "/edge/health"
  request_interval  = 10
  failure_threshold = 3
  enable_sni        = true
  tags              = { Name = var.name }
}

resource "aws_route53_record" "this" {
  for_each = toset(var.leaving ? [] : local.names)

  zone_id         = var.zone_id
  name            = each.key
  type            = "A"
  ttl             = var.ttl_s
  records         = [aws_eip.this.public_ip]
  set_identifier  = var.name
  health_check_id = aws_route53_health_check.this.id

  latency_routing_policy {
    region = var.region
  }
}
