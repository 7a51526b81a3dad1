resource "aws_db_subnet_group" "this" {
  name       = "${var.name}-aurora"
  subnet_ids = var.subnets
}

resource "aws_security_group" "this" {
  name        = "${var.name}-aurora"
  description = "PostgreSQL"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-aurora" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = each.key
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

locals {
  # RDS keeps the master's password only where no other region has a copy of the cluster.
  managed_password = var.global_cluster == null
  parameters = merge(
    { "rds.force_ssl" = "1", "log_min_duration_statement" = "500", "log_lock_waits" = "1" },
    {
      for name, value in { "rds.global_db_rpo" = tostring(var.rpo_s) } :
      name => value
      if var.rpo_s > 0
    },
  )
}

resource "aws_rds_cluster_parameter_group" "this" {
  name        = "${var.name}-aurora"
  family      = "aurora-postgresql${split(".", var.engine_version)[0]}"
  description = "Aurora of ${var.name}"

  dynamic "parameter" {
    for_each = local.parameters
    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
  lifecycle {
    create_before_destroy = true
    precondition {
      condition     = var.rpo_s == 0 || var.rpo_s >= 20
      error_message = "rds.global_db_rpo is at least 20 s."
    }
  }
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-aurora-instance"
  family      = "aurora-postgresql${split(".", var.engine_version)[0]}"
  description = "Instances of ${var.name}"

  dynamic "parameter" {
    for_each = {
      "max_connections"                     = tostring(var.max_connections)
      "idle_in_transaction_session_timeout" = "60000"
    }
    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_rds_cluster" "this" {
  cluster_identifier              = var.name
  engine                          = "aurora-postgresql"
  engine_version                  = var.engine_version
  availability_zones              = var.zones
  database_name                   = var.secondary ? null : "overround"
  master_username                 = var.secondary ? null : "overround"
  manage_master_user_password     = local.managed_password ? true : null
  master_user_secret_kms_key_id   = local.managed_password ? var.kms_key_arn : null
  master_password_wo              = local.managed_password || var.secondary ? null : var.master_password
  master_password_wo_version      = local.managed_password || var.secondary ? null : 1
  global_cluster_identifier       = var.global_cluster
  source_region                   = var.secondary ? var.source_region : null
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name
  storage_encrypted               = true
  kms_key_id                      = var.kms_key_arn
  backup_retention_period         = var.backup_days
  preferred_backup_window         = "03:00-04:00"
  preferred_maintenance_window    = "tue:04:30-tue:05:30"
  copy_tags_to_snapshot           = true
  delete_automated_backups        = false
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = false
  final_snapshot_identifier       = "${var.name}-last"
  enabled_cloudwatch_logs_exports = ["postgresql"]
  tags                            = { Name = var.name }

  lifecycle {
    # A promoted secondary writes; the global database says who does.
    ignore_changes = [global_cluster_identifier, replication_source_identifier]
    precondition {
      condition     = local.managed_password || var.secondary || var.master_password != null
      error_message = "The first cluster of a global database needs master_password."
    }
  }
}

resource "aws_rds_cluster_instance" "this" {
  count = var.instances

  identifier                      = "${var.name}-${count.index}"
  cluster_identifier              = aws_rds_cluster.this.id
  engine                          = "aurora-postgresql"
  engine_version                  = var.engine_version
  instance_class                  = var.instance_class
  availability_zone               = var.zones[count.index % length(var.zones)]
  db_parameter_group_name         = aws_db_parameter_group.this.name
  promotion_tier                  = count.index < 2 ? count.index : 2
  publicly_accessible             = false
  ca_cert_identifier              = "rds-ca-ecc384-g1"
  auto_minor_version_upgrade      = false
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
  copy_tags_to_snapshot           = true
  tags                            = { Name = "${var.name}-${count.index}" }
}
