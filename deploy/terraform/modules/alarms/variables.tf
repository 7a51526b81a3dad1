variable "name" {
  type        = string
  description = "Prefix of the names."
}

variable "kms_key_arn" {
  type        = string
  description = "The key of the topics; its policy must let CloudWatch use it (module kms does)."
}

variable "runbook" {
  type        = string
  description = "Where docs/OPERATE.md is published: each alarm ends with RUNBOOK#paragraph."
}

variable "emails" {
  type        = list(string)
  default     = []
  description = "Who gets pages and tickets by mail, beside what subscribes to the topics."
}

variable "load_balancer" {
  type        = object({ suffix = string, targets = map(string) })
  default     = null
  description = "The ALB's ARN suffix, and those of its target groups by role."
}

variable "database" {
  type        = object({ id = string, cluster = bool, max_connections = number })
  default     = null
  description = "The RDS instance's or Aurora cluster's identifier."
}

variable "kafka" {
  type        = object({ cluster = string })
  default     = null
  description = "The MSK cluster's name."
}

variable "watch_edge" {
  type        = bool
  default     = false
  description = "Alarms of CloudFront and Route 53, whose metrics are in us-east-1 only: a second use of this module there."
}

variable "distribution_id" {
  type        = string
  default     = null
  description = "The CloudFront distribution; needs watch_edge."
}

variable "health_check_id" {
  type        = string
  default     = null
  description = "Route 53's check of the public address; needs watch_edge."
}
