variable "account_id" {
  type        = string
  description = "The AWS account."
}

variable "name" {
  type        = string
  default     = "house"
  description = "Prefix of all names; at most 18 characters."
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

variable "image_tag" {
  type        = string
  default     = "0.9.0"
  description = "The release: another one is rolled out by instance refresh."
}

variable "edge_prefix_list" {
  type        = string
  description = "com.amazonaws.global.cloudfront.origin-facing in this region."
}

variable "edge_key" {
  type        = string
  sensitive   = true
  description = "The secret that CloudFront sends to the origin, by TF_VAR_edge_key."
}

variable "operator_cidrs" {
  type        = list(string)
  default     = []
  description = "Networks of the operators."
}

variable "time_zone" {
  type        = string
  default     = "Europe/Berlin"
  description = "Of the evenings."
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
  default     = 2000
  description = "The budget."
}

variable "lock_mode" {
  type        = string
  default     = "COMPLIANCE"
  description = "Of the books."
}

variable "brokers" {
  type        = string
  default     = ""
  description = "After the first apply: host:port,… of Kafka (output brokers)."
}

variable "scram_ready" {
  type        = bool
  default     = false
  description = "True from the second apply on."
}

variable "drain_s" {
  type        = number
  default     = 45
  description = "Seconds that a stopping instance may drain; on spot at most 90. Its process begins to close 15 s before the end."
}
