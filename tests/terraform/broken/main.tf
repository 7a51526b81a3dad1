# Everything that tests/terraform/policies_test.js is against, once each: the test asks
# that every one of these is found.  Never applied.
resource "aws_vpc" "this" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_security_group" "open" {
  name   = "open"
  vpc_id = aws_vpc.this.id

  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_vpc_security_group_ingress_rule" "world" {
  security_group_id = aws_security_group.open.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
}

resource "aws_subnet" "giving" {
  vpc_id                  = aws_vpc.this.id
  cidr_block              = "10.0.0.0/24"
  map_public_ip_on_launch = true
}

resource "aws_db_instance" "public" {
  identifier          = "public"
  engine              = "postgres"
  instance_class      = "db.t4g.micro"
  allocated_storage   = 20
  username            = "overround"
  password            = "in-the-state"
  publicly_accessible = true
  storage_encrypted   = false
  skip_final_snapshot = true
}

resource "aws_s3_bucket" "bare" {
  bucket        = "bare"
  force_destroy = true
}

resource "aws_iam_role" "everything" {
  name = "everything"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy" "everything" {
  name = "everything"
  role = aws_iam_role.everything.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "admin" {
  role       = aws_iam_role.everything.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_kms_key" "shared" {
  deletion_window_in_days = 7
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "kms:*", Resource = "*" }]
  })
}

resource "aws_lb" "forgotten" {
  name            = "forgotten"
  internal        = false
  security_groups = [aws_security_group.open.id]
  subnets         = [aws_subnet.giving.id]
}

resource "aws_lb_listener" "plain" {
  load_balancer_arn = aws_lb.forgotten.arn
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "fixed-response"
    fixed_response {
      content_type = "text/plain"
    }
  }
}

resource "aws_launch_template" "old" {
  name = "old"
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 8
    }
  }
}

resource "aws_sns_topic" "plain" {
  name = "plain"
}

resource "aws_ecr_repository" "mutable" {
  name         = "mutable"
  force_delete = true
}

# Told to drain for two minutes, and ended before by everybody.
resource "aws_launch_template" "cut" {
  name = "cut"
  user_data = base64gzip(<<-END
    DRAIN_S='120'
    ExecStop=/usr/bin/podman stop --time 60 overround
    TimeoutStopSec=65
  END
  )
}

resource "aws_autoscaling_group" "cut" {
  name     = "cut"
  min_size = 1
  max_size = 1
  launch_template {
    id = aws_launch_template.cut.id
  }
  initial_lifecycle_hook {
    name                 = "drain"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = 60
  }
}

resource "aws_lb_target_group" "cut" {
  name                 = "cut"
  vpc_id               = aws_vpc.this.id
  port                 = 8080
  protocol             = "HTTP"
  deregistration_delay = 60
}
