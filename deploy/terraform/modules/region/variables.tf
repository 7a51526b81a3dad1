variable "name" {
  type        = string
  description = "The house in this region: before all names; at most 20 characters."
}

variable "account_id" {
  type        = string
  description = "The AWS account."
}

variable "region" {
  type        = string
  description = "The region."
}

variable "zones" {
  type        = list(string)
  description = "Three availability zones."
}

variable "cidr" {
  type        = string
  default     = "10.20.0.0/16"
  description = "The network's addresses; regions that you will connect must not overlap."
}

variable "certificate_arn" {
  type        = string
  description = "Of the origin's name and the public names, in this region."
}

variable "operators" {
  type        = bool
  default     = false
  description = "A balancer for operators, within the network."
}

variable "operator_certificate_arn" {
  type        = string
  default     = null
  description = "Of the operators' name."
}

variable "operator_cidrs" {
  type        = list(string)
  default     = []
  description = "Networks of the operators."
}

variable "edge_prefix_list" {
  type        = string
  description = "CloudFront's prefix list in this region."
}

variable "edge_key" {
  sensitive   = true
  type        = string
  default     = ""
  description = "The secret that CloudFront sends as X-Overround-Edge."
}

variable "direct_open" {
  type        = bool
  default     = false
  description = "true on the day the CDN is gone (docs/CLOUD.md)."
}

variable "kubernetes_version" {
  type        = string
  default     = "1.33"
  description = "Of the cluster."
}

variable "access" {
  type        = map(object({ policy = string, namespaces = optional(list(string), []) }))
  default     = {}
  description = "People's permissions in the cluster."
}

variable "pools" {
  type = map(
    object({
      types   = list(string)
      spot    = optional(bool, false)
      min     = number
      max     = number
      desired = number
      disk_gb = optional(number, 40)
    })
  )
  default = {
    money = { types = ["m7a.large"], min = 3, max = 9, desired = 3 }
    web = {
      types   = ["m7a.large", "m6a.large", "m7i.large", "m6i.large"]
      spot    = true
      min     = 2
      max     = 20
      desired = 3
    }
  }
  description = "Node groups."
}

variable "store_class" {
  type        = string
  default     = "db.r7g.xlarge"
  description = "Of each instance of Aurora."
}

variable "store_instances" {
  type        = number
  default     = 3
  description = "Writer and readers."
}

variable "store_connections" {
  type        = number
  default     = 1000
  description = "max_connections."
}

variable "broker_type" {
  type        = string
  default     = "kafka.m7g.large"
  description = "Of each of three brokers."
}

variable "scram_ready" {
  type        = bool
  default     = false
  description = "Kafka's secret has a value: from the second apply on."
}

variable "clickhouse_kind" {
  type        = string
  default     = "ec2"
  description = "ec2 or cloud."
}

variable "clickhouse_type" {
  type        = string
  default     = "r7a.large"
  description = "Of a server of our own."
}

variable "clickhouse_service" {
  type        = string
  default     = null
  description = "Of ClickHouse Cloud."
}

variable "lock_years" {
  type        = number
  default     = 5
  description = "The regulator's years."
}

variable "lock_mode" {
  type        = string
  default     = "COMPLIANCE"
  description = "COMPLIANCE: nobody can delete objects of the books. GOVERNANCE while you try it out."
}

variable "rotation_lambda_arn" {
  type        = string
  default     = null
  description = "The function that rotates the store's user."
}

variable "replicate_images_to" {
  type        = map(string)
  default     = {}
  description = "Regions that get a copy of images, and the account."
}

variable "global_cluster" {
  type        = string
  default     = null
  description = "The global database."
}

variable "secondary" {
  type        = bool
  default     = false
  description = "This region only reads until it is promoted."
}

variable "source_region" {
  type        = string
  default     = null
  description = "The region from which the secondary copies its data."
}

variable "rpo_s" {
  type        = number
  default     = 0
  description = "Commits wait while the other region is further behind."
}

variable "runbook" {
  type        = string
  description = "Where docs/OPERATE.md is published."
}

variable "emails" {
  type        = list(string)
  default     = []
  description = "Who gets pages and tickets by mail."
}

variable "master_password" {
  type        = string
  default     = null
  ephemeral   = true
  description = "Of a global database's first cluster; in no plan and no state."
}

variable "house_namespace" {
  type        = string
  default     = "overround"
  description = "The chart's namespace: its service account overround-archive has the role of the archive."
}
