# Everything of one region with Kubernetes: the network in three zones, the keys, the
# stores, the cluster, the load balancers, the alarms.  Names and the edge are outside: they
# are of all regions.
module "keys" {
  source = "../kms"

  name         = var.name
  account_id   = var.account_id
  region       = var.region
  multi_region = var.global_cluster != null
}

module "network" {
  source = "../network"

  name         = var.name
  region       = var.region
  cidr         = var.cidr
  zones        = var.zones
  logs_key_arn = module.keys.arns["logs"]
}

module "images" {
  source = "../ecr"
  count  = var.secondary ? 0 : 1

  name         = "overround"
  kms_key_arn  = module.keys.arns["data"]
  replicate_to = var.replicate_images_to
}

module "secrets" {
  source = "../secrets"

  name                = var.name
  kms_key_arn         = module.keys.arns["secrets"]
  rotation_lambda_arn = var.rotation_lambda_arn
  secrets = {
    store = {
      description = "PostgreSQL, the product's own user: postgres://USER:PASSWORD@HOST/overround?sslmode=verify-full"
      rotate_days = var.rotation_lambda_arn == null ? 0 : 30
    }
    operator  = { description = "the first operator's token" }
    feed      = { description = "amqps://USER:PASSWORD@HOST:5671/VHOST of the feed's broker" }
    recovery  = { description = "token for requests for recovery" }
    analytics = { description = "http://USER:PASSWORD@HOST:8123/DATABASE" }
    bus       = { description = "{\"username\":…,\"password\":…} of Kafka", kafka = true }
  }
}

module "books" {
  source = "../s3"

  name            = "${var.name}-books-${var.account_id}"
  account_id      = var.account_id
  kms_key_arn     = module.keys.arns["archive"]
  lock_years      = var.lock_years
  lock_mode       = var.lock_mode
  deep_after_days = 180
}

module "logs" {
  source = "../s3"

  name                   = "${var.name}-logs-${var.account_id}"
  account_id             = var.account_id
  logs_of_load_balancers = true
  instant_after_days     = 0
  expire_after_days      = 400
}

module "balancers" {
  source = "../load-balancers"

  name                     = var.name
  vpc_id                   = module.network.vpc_id
  vpc_cidr                 = module.network.cidr
  public_subnets           = module.network.public_subnets
  private_subnets          = module.network.private_subnets
  certificate_arn          = var.certificate_arn
  operators                = var.operators
  operator_certificate_arn = var.operator_certificate_arn
  operator_cidrs           = var.operator_cidrs
  edge_prefix_list         = var.edge_prefix_list
  edge_key                 = var.edge_key
  direct_open              = var.direct_open
  logs_bucket              = module.logs.id
}

module "cluster" {
  source = "../eks"

  name                    = var.name
  kubernetes_version      = var.kubernetes_version
  subnets                 = module.network.private_subnets
  secrets_key_arn         = module.keys.arns["secrets"]
  disks_key_arn           = module.keys.arns["data"]
  logs_key_arn            = module.keys.arns["logs"]
  balancer_security_group = module.balancers.security_group
  access                  = var.access
  pools                   = var.pools
}

module "store" {
  source = "../aurora"

  name            = var.name
  vpc_id          = module.network.vpc_id
  subnets         = module.network.data_subnets
  zones           = var.zones
  clients         = { pods = module.cluster.security_group }
  kms_key_arn     = module.keys.arns["data"]
  instance_class  = var.store_class
  instances       = var.store_instances
  max_connections = var.store_connections
  global_cluster  = var.global_cluster
  secondary       = var.secondary
  source_region   = var.source_region
  master_password = var.master_password
  rpo_s           = var.rpo_s
}

module "bus" {
  source = "../msk"

  name    = var.name
  vpc_id  = module.network.vpc_id
  subnets = module.network.data_subnets
  clients = {
    pods       = module.cluster.security_group
    clickhouse = module.analytics.security_group
  }
  kms_key_arn   = module.keys.arns["data"]
  logs_key_arn  = module.keys.arns["logs"]
  instance_type = var.broker_type
  # When the secret has its value: docs/CLOUD.md, "The first apply".
  scram_secret_arns = var.scram_ready ? [module.secrets.arns["bus"]] : []
}

module "analytics" {
  source = "../clickhouse"

  name          = var.name
  kind          = var.clickhouse_kind
  service_name  = var.clickhouse_service
  vpc_id        = module.network.vpc_id
  vpc_cidr      = module.network.cidr
  subnet        = module.network.private_subnets[0]
  zone          = var.zones[0]
  clients       = { pods = module.cluster.security_group }
  kms_key_arn   = module.keys.arns["data"]
  instance_type = var.clickhouse_type
}

module "identities" {
  source = "../iam"

  name         = var.name
  cluster_name = module.cluster.name
  oidc_arn     = module.cluster.oidc_arn
  oidc_issuer  = module.cluster.oidc_issuer
  identities = {
    external-secrets = {
      namespace       = "external-secrets"
      service_account = "external-secrets"
      statements = [
        {
          actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          resources = values(module.secrets.arns)
        },
        { actions = ["kms:Decrypt"], resources = [module.keys.arns["secrets"]] },
      ]
    }
    # Registers pods with the target groups (TargetGroupBinding); it makes no balancer.
    load-balancers = {
      namespace       = "kube-system"
      service_account = "aws-load-balancer-controller"
      statements = [
        {
          actions = [
            "elasticloadbalancing:RegisterTargets",
            "elasticloadbalancing:DeregisterTargets",
          ]
          resources = [
            "arn:aws:elasticloadbalancing:${var.region}:${var.account_id}:targetgroup/${var.name}-*",
          ]
        },
        {
          actions = [
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
            "ec2:DescribeVpcs",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
          ]
          resources = ["*"]
        },
      ]
    }
    # s3.serviceAccount of the chart: overround archive, which deletes nothing.
    archive = {
      namespace       = var.house_namespace
      service_account = "overround-archive"
      statements = [
        { actions = ["s3:ListBucket"], resources = [module.books.arn] },
        {
          actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:RestoreObject"]
          resources = ["${module.books.arn}/*"]
        },
        {
          actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
          resources = [module.keys.arns["archive"]]
        },
      ]
    }
    # Adds nodes when pods find no room.
    autoscaler = {
      namespace       = "kube-system"
      service_account = "cluster-autoscaler"
      statements = [
        {
          actions = [
            "autoscaling:SetDesiredCapacity",
            "autoscaling:TerminateInstanceInAutoScalingGroup",
          ]
          resources = [
            "arn:aws:autoscaling:${var.region}:${var.account_id}:autoScalingGroup:*:autoScalingGroupName/eks-*",
          ]
          condition = { StringEquals = { "aws:ResourceTag/eks:cluster-name" = var.name } }
        },
        {
          actions   = ["eks:DescribeNodegroup"]
          resources = ["arn:aws:eks:${var.region}:${var.account_id}:nodegroup/${var.name}/*"]
        },
        {
          actions = [
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingInstances",
            "autoscaling:DescribeLaunchConfigurations",
            "autoscaling:DescribeScalingActivities",
            "autoscaling:DescribeTags",
            "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:DescribeImages",
            "ec2:GetInstanceTypesFromInstanceRequirements",
          ]
          resources = ["*"]
        },
      ]
    }
  }
}

module "alarms" {
  source = "../alarms"

  name          = var.name
  kms_key_arn   = module.keys.arns["secrets"]
  runbook       = var.runbook
  emails        = var.emails
  load_balancer = { suffix = module.balancers.suffix, targets = module.balancers.target_suffixes }
  database      = { id = module.store.id, cluster = true, max_connections = var.store_connections }
  kafka         = { cluster = var.name }
}

