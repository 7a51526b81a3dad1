variable "account_id" {
  type        = string
  description = "The AWS account."
}

variable "name" {
  type        = string
  default     = "house"
  description = "Prefix of all names; at most 20 characters."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A tag on every resource."
}

variable "owner" {
  type        = string
  description = "A tag on every resource: the people responsible for it."
}

variable "region" {
  type        = string
  default     = "eu-central-1"
  description = "The region."
}

variable "zones" {
  type        = list(string)
  default     = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  description = "Its zones."
}

variable "domain" {
  type        = string
  description = "The public name. Below it: origin, direct and desk."
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone of the domain."
}

variable "edge_prefix_list" {
  type        = string
  description = "com.amazonaws.global.cloudfront.origin-facing in this region."
}

variable "edge_key" {
  type        = string
  sensitive   = true
  description = "The secret that CloudFront sends to the origin: openssl rand -hex 24, by TF_VAR_edge_key."
}

variable "operator_cidrs" {
  type        = list(string)
  default     = []
  description = "Networks of the operators."
}

variable "access" {
  type        = map(object({ policy = string, namespaces = optional(list(string), []) }))
  default     = {}
  description = "People's permissions in the cluster."
}

variable "edge_function" {
  type        = string
  default     = "../../../edge/cloudfront/function.js"
  description = "The function from the same command; null: none."
}

variable "edge_policy" {
  type        = string
  default     = "../../../edge/cloudfront/cloudfront.json"
  description = "The output of overround edge --for cloudfront for your own edge.yaml; null: the module's defaults."
}

variable "edge_waf" {
  type        = string
  default     = "../../../edge/cloudfront/waf.json"
  description = "Countries, rates and bots of the firewall, from the same command; null: the module's defaults."
}

variable "emails" {
  type        = list(string)
  default     = []
  description = "Who gets pages and tickets by mail."
}

variable "runbook" {
  type        = string
  description = "Where docs/OPERATE.md is published."
}

variable "monthly_usd" {
  type        = number
  default     = 4000
  description = "The budget; docs/CLOUD.md computes what a month costs."
}

variable "lock_mode" {
  type        = string
  default     = "COMPLIANCE"
  description = "The lock of the books: GOVERNANCE while you try it out."
}

variable "scram_ready" {
  type        = bool
  default     = false
  description = "True from the second apply on: docs/CLOUD.md, \"The first apply\"."
}

variable "direct_open" {
  type        = bool
  default     = false
  description = "true on the day the CDN is gone (docs/CLOUD.md)."
}

variable "shield" {
  type        = bool
  default     = false
  description = "Shield Advanced, 3,000 USD a month."
}

variable "rotation_lambda_arn" {
  type        = string
  default     = null
  description = "The function that rotates the store's user."
}
