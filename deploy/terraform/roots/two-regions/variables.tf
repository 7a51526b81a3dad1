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

variable "regions" {
  type        = object({ first = string, second = string })
  default     = { first = "eu-central-1", second = "eu-west-1" }
  description = "The region that writes, and the region that takes over."
}

variable "zones" {
  type = object({ first = list(string), second = list(string) })
  default = {
    first  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    second = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  }
  description = "Their zones."
}

variable "edge_prefix_lists" {
  type        = object({ first = string, second = string })
  description = "com.amazonaws.global.cloudfront.origin-facing in each."
}

variable "domain" {
  type        = string
  description = "The public name."
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone of the domain."
}

variable "edge_key" {
  type        = string
  sensitive   = true
  description = "The secret that CloudFront sends to the origin, by TF_VAR_edge_key."
}

variable "master_password" {
  type        = string
  ephemeral   = true
  description = "Of the global database, by TF_VAR_master_password: in no plan and no state."
}

variable "operator_cidrs" {
  type        = list(string)
  default     = []
  description = "Networks of the operators."
}

variable "rpo_s" {
  type        = number
  default     = 20
  description = "Commits wait while the second region is further behind than this, which bounds the loss with a region. 0: no bound."
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
  default     = 7000
  description = "The budget."
}

variable "lock_mode" {
  type        = string
  default     = "COMPLIANCE"
  description = "Of the books."
}

variable "scram_ready" {
  type        = bool
  default     = false
  description = "True from the second apply on."
}
