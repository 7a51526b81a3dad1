resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
}

resource "aws_security_group" "this" {
  name        = "${var.name}-store"
  description = "PostgreSQL"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-store" }
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

# overround refuses a server with fsync=off or synchronous_commit=off; neither is here.
resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-postgres"
  family      = "postgres${split(".", var.engine_version)[0]}"
  description = "PostgreSQL of ${var.name}"

  dynamic "parameter" {
    for_each = {
      "rds.force_ssl"                       = "1"
      "max_connections"                     = tostring(var.max_connections)
      "synchronous_commit"                  = "on"
      "log_min_duration_statement"          = "500"
      "log_lock_waits"                      = "1"
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

resource "aws_db_instance" "this" {
  identifier                      = var.name
  engine                          = "postgres"
  engine_version                  = var.engine_version
  instance_class                  = var.instance_class
  db_name                         = "overround"
  username                        = "overround"
  manage_master_user_password     = true
  master_user_secret_kms_key_id   = var.kms_key_arn
  db_subnet_group_name            = aws_db_subnet_group.this.name
  parameter_group_name            = aws_db_parameter_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  multi_az                        = var.multi_az
  publicly_accessible             = false
  storage_type                    = "gp3"
  allocated_storage               = var.storage_gb
  max_allocated_storage           = var.storage_gb * 10
  storage_encrypted               = true
  kms_key_id                      = var.kms_key_arn
  ca_cert_identifier              = "rds-ca-ecc384-g1"
  backup_retention_period         = var.backup_days
  backup_window                   = "03:00-04:00"
  maintenance_window              = "tue:04:30-tue:05:30"
  copy_tags_to_snapshot           = true
  delete_automated_backups        = false
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = false
  final_snapshot_identifier       = "${var.name}-last"
  auto_minor_version_upgrade      = false
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
  enabled_cloudwatch_logs_exports = ["postgresql"]
  tags                            = { Name = var.name }
}

resource "aws_db_instance" "reader" {
  count = var.readers

  identifier                 = "${var.name}-reader-${count.index}"
  replicate_source_db        = aws_db_instance.this.identifier
  instance_class             = var.instance_class
  parameter_group_name       = aws_db_parameter_group.this.name
  vpc_security_group_ids     = [aws_security_group.this.id]
  publicly_accessible        = false
  storage_encrypted          = true
  kms_key_id                 = var.kms_key_arn
  ca_cert_identifier         = "rds-ca-ecc384-g1"
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = true
  auto_minor_version_upgrade = false
  copy_tags_to_snapshot      = true
  tags                       = { Name = "${var.name}-reader-${count.index}" }
}
