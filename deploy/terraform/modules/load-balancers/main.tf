# Customers reach the public balancer from CloudFront alone, and by the balancer with
# fixed addresses when it is opened.  Paths are those of deploy/nginx/overround.conf.in.
locals {
  bets_paths   = ["/v1/bets*", "/v1/wallet*", "/v1/accounts*", "/v1/sessions*"]
  bets_paths_2 = ["/v1/limits*", "/v1/exclusion*"]
  public_roles = ["bets", "web"]
  operators    = var.operators
  operator_role = {
    feed   = ["/v1/feed", "/v1/desk/feed"]
    bets   = ["/v1/desk/holds*"]
    settle = ["/v1/reports*"]
  }
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "The public load balancer"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "edge" {
  security_group_id = aws_security_group.balancer.id
  description       = "CloudFront"
  prefix_list_id    = var.edge_prefix_list
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "direct" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "the balancer with fixed addresses"
  referenced_security_group_id = aws_security_group.direct.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_security_group_egress_rule" "processes" {
  for_each = toset(["8080", "8081"])

  security_group_id = aws_security_group.balancer.id
  description       = "processes, and their readiness"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_lb" "public" {
  name                                        = "${var.name}-public"
  load_balancer_type                          = "application"
  internal                                    = false
  subnets                                     = var.public_subnets
  security_groups                             = [aws_security_group.balancer.id]
  enable_deletion_protection                  = var.deletion_protection
  drop_invalid_header_fields                  = true
  desync_mitigation_mode                      = "strictest"
  xff_header_processing_mode                  = "append"
  enable_tls_version_and_cipher_suite_headers = false
  preserve_host_header                        = true
  idle_timeout                                = var.idle_s
  tags                                        = { Name = "${var.name}-public", Edge = "true" }

  dynamic "access_logs" {
    for_each = var.logs_bucket == null ? [] : [var.logs_bucket]
    content {
      bucket  = access_logs.value
      enabled = true
    }
  }
}

resource "aws_lb_target_group" "public" {
  for_each = toset(local.public_roles)

  name                          = "${var.name}-${each.key}"
  vpc_id                        = var.vpc_id
  target_type                   = var.target_type
  port                          = 8080
  protocol                      = "HTTP"
  load_balancing_algorithm_type = "least_outstanding_requests"
  deregistration_delay          = var.drain_s
  slow_start                    = 0

  # What /readyz says is said on the operators' port.
  health_check {
    path                = "/readyz"
    port                = "8081"
    matcher             = "200"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "public" {
  load_balancer_arn = aws_lb.public.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type = "fixed-response"
    fixed_response {
      status_code  = "403"
      content_type = "text/plain"
      message_body = "by the edge only"
    }
  }
}

# Each rule asks for the edge's key, where there is one: what matches none is 403.
resource "aws_lb_listener_rule" "public" {
  for_each = {
    bets   = { priority = 10, role = "bets", paths = local.bets_paths }
    limits = { priority = 11, role = "bets", paths = local.bets_paths_2 }
    web    = { priority = 100, role = "web", paths = ["/*"] }
  }

  listener_arn = aws_lb_listener.public.arn
  priority     = each.value.priority
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.public[each.value.role].arn
  }
  condition {
    path_pattern {
      values = slice(each.value.paths, 0, length(each.value.paths))
    }
  }
  dynamic "condition" {
    for_each = nonsensitive(var.edge_key != "") && !var.direct_open ? [1] : []
    content {
      http_header {
        http_header_name = "X-Overround-Edge"
        values           = [var.edge_key]
      }
    }
  }
  tags = { Name = "${var.name}-${each.key}" }
}

# ---- the balancer with fixed addresses ------------------------------------------

resource "aws_security_group" "direct" {
  name        = "${var.name}-direct"
  description = "The balancer with fixed addresses"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-direct", Edge = "true" }
}

resource "aws_vpc_security_group_ingress_rule" "open" {
  count = var.direct_open ? 1 : 0

  security_group_id = aws_security_group.direct.id
  description       = "customers, while the CDN is gone"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "direct" {
  security_group_id            = aws_security_group.direct.id
  description                  = "the public balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_eip" "direct" {
  count = length(var.public_subnets)

  domain = "vpc"
  tags   = { Name = "${var.name}-direct-${count.index}" }
}

resource "aws_lb" "direct" {
  name                             = "${var.name}-direct"
  load_balancer_type               = "network"
  internal                         = false
  security_groups                  = [aws_security_group.direct.id]
  enable_deletion_protection       = var.deletion_protection
  enable_cross_zone_load_balancing = true
  tags                             = { Name = "${var.name}-direct", Edge = "true" }

  dynamic "subnet_mapping" {
    for_each = aws_eip.direct
    content {
      subnet_id     = var.public_subnets[subnet_mapping.key]
      allocation_id = subnet_mapping.value.id
    }
  }
}

resource "aws_lb_target_group" "direct" {
  name        = "${var.name}-direct"
  vpc_id      = var.vpc_id
  target_type = "alb"
  port        = 443
  protocol    = "TCP"

  health_check {
    protocol = "HTTPS"
    path     = "/"
    matcher  = "200-403"
  }
}

resource "aws_lb_target_group_attachment" "direct" {
  target_group_arn = aws_lb_target_group.direct.arn
  target_id        = aws_lb.public.arn
  port             = 443
  depends_on       = [aws_lb_listener.public]
}

resource "aws_lb_listener" "direct" {
  load_balancer_arn = aws_lb.direct.arn
  port              = 443
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.direct.arn
  }
}

# ---- operators --------------------------------------------------------------------

resource "aws_security_group" "operators" {
  count = local.operators ? 1 : 0

  name        = "${var.name}-operators"
  description = "The operators' load balancer"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-operators" }
}

resource "aws_vpc_security_group_ingress_rule" "operators" {
  for_each = local.operators ? toset(var.operator_cidrs) : toset([])

  security_group_id = aws_security_group.operators[0].id
  description       = "operators"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "operators" {
  count = local.operators ? 1 : 0

  security_group_id = aws_security_group.operators[0].id
  description       = "the operators' port of processes"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 8081
  to_port           = 8081
}

resource "aws_lb" "operators" {
  count = local.operators ? 1 : 0

  name                       = "${var.name}-operators"
  load_balancer_type         = "application"
  internal                   = true
  subnets                    = var.private_subnets
  security_groups            = [aws_security_group.operators[0].id]
  enable_deletion_protection = var.deletion_protection
  drop_invalid_header_fields = true
  idle_timeout               = 120
  tags                       = { Name = "${var.name}-operators" }

  lifecycle {
    precondition {
      condition     = !contains(var.operator_cidrs, "0.0.0.0/0")
      error_message = "The operators' balancer is never for the whole internet."
    }
  }
}

resource "aws_lb_target_group" "operator" {
  for_each = local.operators ? toset(["bets", "feed", "settle", "web"]) : toset([])

  name                 = "${var.name}-op-${each.key}"
  vpc_id               = var.vpc_id
  target_type          = var.target_type
  port                 = 8081
  protocol             = "HTTP"
  deregistration_delay = var.drain_s

  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "operators" {
  count = local.operators ? 1 : 0

  load_balancer_arn = aws_lb.operators[0].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.operator_certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.operator["web"].arn
  }
}

resource "aws_lb_listener_rule" "operators" {
  for_each = local.operators ? local.operator_role : {}

  listener_arn = aws_lb_listener.operators[0].arn
  priority     = 10 + index(keys(local.operator_role), each.key)
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.operator[each.key].arn
  }
  condition {
    path_pattern {
      values = each.value
    }
  }
  tags = { Name = "${var.name}-${each.key}" }
}

# Each process is scraped by itself.
resource "aws_lb_listener_rule" "metrics" {
  count = local.operators ? 1 : 0

  listener_arn = aws_lb_listener.operators[0].arn
  priority     = 1
  action {
    type = "fixed-response"
    fixed_response {
      status_code  = "404"
      content_type = "text/plain"
    }
  }
  condition {
    path_pattern {
      values = ["/metrics"]
    }
  }
  tags = { Name = "${var.name}-metrics" }
}
