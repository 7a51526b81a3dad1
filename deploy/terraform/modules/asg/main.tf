# Processes of one or some roles on Debian with podman, without Kubernetes.  An instance
# that goes is taken out of its target groups first, then drained, then ended.
locals {
  hook = "drain"
  # Read by the shell, so every value is quoted as it does.
  values = merge(
    {
      REGION  = var.region
      IMAGE   = var.image
      ROLES   = var.roles
      GROUP   = var.name
      HOOK    = local.hook
      DRAIN_S = tostring(var.drain_s)
    },
    { for setting, arn in var.secrets : "SECRET_${upper(replace(setting, "-", "_"))}" => arn },
    { for setting, value in var.settings : "SETTING_${upper(replace(setting, "-", "_"))}" => value },
  )
  instance_conf = join("", [
    for key, value in local.values : "${key}='${replace(value, "'", "'\\''")}'\n"
  ])
  files = {
    for file in ["aws.sh", "start.sh", "drain.sh"] :
    "/usr/local/lib/overround/${file}" => file("${path.module}/files/${file}")
  }
  # The stop takes as long as the drain may: podman's word drain_s, systemd's 20 s more,
  # drain.sh's 30 s, the group's hook a minute.
  units = {
    for file in concat(
      ["overround.service", "overround-drain.service"],
      var.archive == null ? [] : ["overround-archive.service", "overround-archive.timer"],
    ) :
    "/etc/systemd/system/${file}" => templatefile("${path.module}/files/${file}", {
      drain_s = var.drain_s
      region  = var.region
      image   = var.image
      archive = var.archive == null ? "" : var.archive.to
    })
  }
  cloud_init = join("\n", ["#cloud-config", yamlencode({
    package_update = true
    packages       = ["podman", "crun", "curl", "jq", "ca-certificates"]
    write_files = concat(
      [{
        path        = "/etc/overround/instance.conf"
        permissions = "0600"
        content     = local.instance_conf
      }],
      [
        for path, text in merge(local.files, local.units) :
        { path = path, permissions = endswith(path, ".sh") ? "0755" : "0644", content = text }
      ],
    )
    runcmd = [
      ["systemctl", "daemon-reload"],
      concat(
        ["systemctl", "enable", "--now", "overround-drain.service", "overround.service"],
        var.archive == null ? [] : ["overround-archive.timer"],
      ),
    ]
  }), ""])
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "overround ${var.roles}"
  vpc_id      = var.vpc_id
  tags        = { Name = var.name }
}

resource "aws_vpc_security_group_ingress_rule" "from" {
  for_each = { for pair in setproduct(keys(var.from), ["8080", "8081"]) : join(" ", pair) => pair }

  security_group_id            = aws_security_group.this.id
  description                  = each.value[0]
  referenced_security_group_id = var.from[each.value[0]]
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value[1])
  to_port                      = tonumber(each.value[1])
}

# The stores, the feed's broker (AMQP), AWS, Debian's packages.
resource "aws_vpc_security_group_egress_rule" "out" {
  for_each = toset(["80", "443", "5432", "5671", "8123", "9096"])

  security_group_id = aws_security_group.this.id
  description       = "stores, feed, AWS, packages"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

# ---- what an instance may do ------------------------------------------------------

resource "aws_iam_role" "this" {
  name = var.name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "own"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
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
        Resource = [var.repository_arn]
      },
      { Sid = "Keys", Effect = "Allow", Action = ["kms:Decrypt"], Resource = var.key_arns },
      {
        Sid    = "Drained"
        Effect = "Allow"
        Action = ["autoscaling:CompleteLifecycleAction"]
        Resource = [
          "arn:aws:autoscaling:${var.region}:${var.account_id}:autoScalingGroup:*:autoScalingGroupName/${var.name}",
        ]
      },
      ], length(var.secrets) == 0 ? [] : [
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = values(var.secrets)
      },
      ], var.archive == null ? [] : [
      {
        Sid      = "ArchiveList"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [var.archive.bucket_arn]
      },
      # Nothing is ever deleted.
      {
        Sid      = "Archive"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = ["${var.archive.bucket_arn}/*"]
      },
      {
        Sid      = "ArchiveKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [var.archive.key_arn]
      },
    ])
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

# ---- instances ----------------------------------------------------------------------

resource "aws_launch_template" "this" {
  name                   = var.name
  image_id               = var.machine_image
  instance_type          = var.instance_types[0]
  update_default_version = true
  user_data              = base64gzip(local.cloud_init)

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }
  network_interfaces {
    associate_public_ip_address = false
    security_groups             = [aws_security_group.this.id]
    delete_on_termination       = true
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
      kms_key_id            = var.key_arns[0]
      delete_on_termination = true
    }
  }
  monitoring {
    enabled = true
  }
  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])
    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = var.name })
    }
  }
  tags = { Name = var.name }
}

resource "aws_autoscaling_group" "this" {
  name                      = var.name
  min_size                  = var.min
  max_size                  = var.max
  vpc_zone_identifier       = var.subnets
  target_group_arns         = var.target_groups
  health_check_type         = length(var.target_groups) > 0 ? "ELB" : "EC2"
  health_check_grace_period = 180
  default_instance_warmup   = 60
  capacity_rebalance        = var.spot
  max_instance_lifetime     = 30 * 86400
  termination_policies      = ["OldestLaunchTemplate", "Default"]
  enabled_metrics = [
    "GroupInServiceInstances",
    "GroupDesiredCapacity",
    "GroupTerminatingInstances",
  ]
  wait_for_capacity_timeout = "0"

  # Ended only when it has drained, or after DRAIN_S and a minute.
  initial_lifecycle_hook {
    name                 = local.hook
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    heartbeat_timeout    = var.drain_s + 60
    default_result       = "CONTINUE"
  }
  # A new image or setting: one more instance first, back by itself when it is not healthy.
  instance_refresh {
    strategy = "Rolling"
    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150
      instance_warmup        = 60
      auto_rollback          = true
      skip_matching          = true
    }
  }
  instance_maintenance_policy {
    min_healthy_percentage = 100
    max_healthy_percentage = 150
  }
  dynamic "launch_template" {
    for_each = var.spot ? [] : [1]
    content {
      id      = aws_launch_template.this.id
      version = aws_launch_template.this.latest_version
    }
  }
  dynamic "mixed_instances_policy" {
    for_each = var.spot ? [1] : []
    content {
      instances_distribution {
        on_demand_base_capacity                  = 1
        on_demand_percentage_above_base_capacity = 0
        spot_allocation_strategy                 = "price-capacity-optimized"
      }
      launch_template {
        launch_template_specification {
          launch_template_id = aws_launch_template.this.id
          version            = aws_launch_template.this.latest_version
        }
        dynamic "override" {
          for_each = var.instance_types
          content {
            instance_type = override.value
          }
        }
      }
    }
  }
  dynamic "warm_pool" {
    for_each = var.warm > 0 ? [var.warm] : []
    content {
      pool_state = "Stopped"
      min_size   = warm_pool.value
      instance_reuse_policy {
        reuse_on_scale_in = false
      }
    }
  }
  dynamic "tag" {
    for_each = merge(var.tags, { Name = var.name })
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    ignore_changes = [desired_capacity]
    precondition {
      condition     = !var.spot || var.drain_s <= 90
      error_message = "Spot is taken back within two minutes: drain_s is at most 90 there."
    }
    precondition {
      condition     = tonumber(lookup(var.settings, "drain-s", "30")) < var.drain_s
      error_message = "The process's own drain-s must end before drain_s does."
    }
    precondition {
      condition     = !(var.spot && var.warm > 0)
      error_message = "A warm pool cannot be of spot instances."
    }
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.this.name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.cpu_target
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

resource "aws_autoscaling_schedule" "this" {
  for_each = var.schedule

  autoscaling_group_name = aws_autoscaling_group.this.name
  scheduled_action_name  = each.key
  recurrence             = each.value.recurrence
  time_zone              = each.value.time_zone
  min_size               = each.value.min
  max_size               = coalesce(each.value.max, var.max)
  desired_capacity       = -1
}
