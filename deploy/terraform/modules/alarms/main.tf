# What AWS sees and the processes do not.  The alarms of the processes themselves are
# Prometheus's (deploy/monitoring); both end in docs/OPERATE.md.
resource "aws_sns_topic" "this" {
  for_each = toset(["page", "ticket"])

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = { for pair in setproduct(["page", "ticket"], var.emails) : join(" ", pair) => pair }

  topic_arn = aws_sns_topic.this[each.value[0]].arn
  protocol  = "email"
  endpoint  = each.value[1]
}

locals {
  # Not by try(): of what is known only after apply it would make the keys unknown, too.
  targets         = var.load_balancer == null ? {} : var.load_balancer.targets
  balancer_suffix = var.load_balancer == null ? "" : var.load_balancer.suffix
  is_cluster      = var.database == null ? false : var.database.cluster
  database_id     = var.database == null ? "" : var.database.id
  connections     = var.database == null ? 0 : var.database.max_connections
  kafka_cluster   = var.kafka == null ? "" : var.kafka.cluster

  balancer = {
    http-errors = {
      paragraph  = "HttpErrors"
      severity   = "page"
      says       = "The load balancer answers 5xx by itself: no process took the request."
      namespace  = "AWS/ApplicationELB"
      metric     = "HTTPCode_ELB_5XX_Count"
      statistic  = "Sum"
      over       = 50
      minutes    = 5
      dimensions = { LoadBalancer = local.balancer_suffix }
    }
  }
  roles = { for role, suffix in local.targets : "no-${role}" => {
    paragraph  = "RoleDown"
    severity   = "page"
    says       = "Not one process of ${role} is healthy for the load balancer."
    namespace  = "AWS/ApplicationELB"
    metric     = "HealthyHostCount"
    statistic  = "Maximum"
    under      = 1
    minutes    = 2
    dimensions = { LoadBalancer = var.load_balancer.suffix, TargetGroup = suffix }
  } }
  processes = { for role, suffix in local.targets : "some-${role}" => {
    paragraph  = "TargetDown"
    severity   = "ticket"
    says       = "A process of ${role} does not answer; others do."
    namespace  = "AWS/ApplicationELB"
    metric     = "UnHealthyHostCount"
    statistic  = "Minimum"
    over       = 0
    minutes    = 10
    dimensions = { LoadBalancer = var.load_balancer.suffix, TargetGroup = suffix }
  } }
  instance = {
    (local.is_cluster ? "DBClusterIdentifier" : "DBInstanceIdentifier") = local.database_id
  }
  store = {
    store-cpu = {
      paragraph  = "QueueDelay"
      severity   = "page"
      says       = "The store is at its limit: bets wait for it."
      namespace  = "AWS/RDS"
      metric     = "CPUUtilization"
      statistic  = "Average"
      over       = 90
      minutes    = 5
      dimensions = local.instance
    }
    store-connections = {
      paragraph  = "StoreDown"
      severity   = "ticket"
      says       = "Connections are nine tenths of max_connections; processes that start get none."
      namespace  = "AWS/RDS"
      metric     = "DatabaseConnections"
      statistic  = "Maximum"
      over       = floor(local.connections * 0.9)
      minutes    = 5
      dimensions = local.instance
    }
  }
  aurora = {
    store-replica-lag = {
      paragraph  = "PostgresReplicationLag"
      severity   = "ticket"
      says       = "A reader is more than 2 s behind."
      namespace  = "AWS/RDS"
      metric     = "AuroraReplicaLagMaximum"
      statistic  = "Maximum"
      over       = 2000
      minutes    = 5
      dimensions = local.instance
    }
    store-global-lag = {
      paragraph  = "PostgresReplicationLag"
      severity   = "page"
      says       = "The other region is more than 5 s behind: a lost region would lose so much."
      namespace  = "AWS/RDS"
      metric     = "AuroraGlobalDBReplicationLag"
      statistic  = "Maximum"
      over       = 5000
      minutes    = 5
      dimensions = local.instance
    }
  }
  rds = {
    store-space = {
      paragraph  = "StoreRejects"
      severity   = "page"
      says       = "Less than 10 GB of disk are left; a full disk refuses every bet."
      namespace  = "AWS/RDS"
      metric     = "FreeStorageSpace"
      statistic  = "Minimum"
      under      = 10000000000
      minutes    = 5
      dimensions = local.instance
    }
  }
  kafka = {
    kafka-down = {
      paragraph  = "KafkaDown", severity = "page", says = "The Kafka cluster has no controller."
      namespace  = "AWS/Kafka"
      metric     = "ActiveControllerCount"
      statistic  = "Maximum"
      under      = 1
      minutes    = 3
      dimensions = { "Cluster Name" = local.kafka_cluster }
    }
    kafka-offline = {
      paragraph  = "KafkaFails"
      severity   = "page"
      says       = "Partitions have no leader: their records are not taken."
      namespace  = "AWS/Kafka"
      metric     = "OfflinePartitionsCount"
      statistic  = "Maximum"
      over       = 0
      minutes    = 3
      dimensions = { "Cluster Name" = local.kafka_cluster }
    }
  }
  distribution = {
    edge-errors = {
      paragraph  = "HttpErrors"
      severity   = "page"
      says       = "More than 2 % of CloudFront's answers are 5xx."
      namespace  = "AWS/CloudFront"
      metric     = "5xxErrorRate"
      statistic  = "Average"
      over       = 2
      minutes    = 5
      dimensions = { DistributionId = var.distribution_id, Region = "Global" }
    }
  }
  outside = {
    edge-down = {
      paragraph  = "EdgeDown"
      severity   = "page"
      says       = "The public address does not answer from outside."
      namespace  = "AWS/Route53"
      metric     = "HealthCheckStatus"
      statistic  = "Minimum"
      under      = 1
      minutes    = 2
      dimensions = { HealthCheckId = var.health_check_id }
    }
  }
  alarms = merge(
    { for name, alarm in local.balancer : name => alarm if var.load_balancer != null },
    local.roles,
    local.processes,
    { for name, alarm in local.store : name => alarm if var.database != null },
    { for name, alarm in local.aurora : name => alarm if local.is_cluster },
    { for name, alarm in local.rds : name => alarm if var.database != null && !local.is_cluster },
    { for name, alarm in local.kafka : name => alarm if var.kafka != null },
    { for name, alarm in local.distribution : name => alarm if var.watch_edge },
    { for name, alarm in local.outside : name => alarm if var.watch_edge },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.says} ${var.runbook}#${lower(each.value.paragraph)}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  comparison_operator = can(each.value.over) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.over, each.value.under)
  period              = 60
  evaluation_periods  = each.value.minutes
  dimensions          = each.value.dimensions
  treat_missing_data = can(
    each.value.under
  ) && each.value.severity == "page" ? "breaching" : "notBreaching"
  alarm_actions = [aws_sns_topic.this[each.value.severity].arn]
  ok_actions    = [aws_sns_topic.this[each.value.severity].arn]
}
