variable "name" {
  type        = string
  description = "Before all names."
}

variable "aliases" {
  type        = list(string)
  description = "The public names."
}

variable "certificate_arn" {
  type        = string
  description = "The certificate of these names, in us-east-1."
}

variable "origin" {
  type        = string
  description = "The origin's name: the load balancer's alias, with a certificate for it."
}

variable "origin_key" {
  sensitive   = true
  type        = string
  default     = ""
  description = "Sent to the origin as X-Edge-Key; the load balancer refuses what has none."
}

variable "origin_shield_region" {
  type        = string
  default     = null
  description = "One cache before the origin, for all others to ask."
}

variable "policy" {
  type        = any
  default     = null
  description = "jsondecode(file(…)) of the values that overround edge --for cloudfront writes: caches, behaviours, countries, rates. Null: the defaults in policy.tf."
}

variable "function_code" {
  type        = string
  default     = ""
  description = "JavaScript of the function that every request meets first; empty: none."
}

variable "log_refused" {
  type        = bool
  default     = false
  description = "Refused requests are logged."
}

variable "logs_key_arn" {
  type        = string
  default     = null
  description = "The key of the firewall's log, in us-east-1."
}

variable "log_days" {
  type        = number
  default     = 90
  description = "How long refused requests are kept."
}

variable "price_class" {
  type        = string
  default     = "PriceClass_100"
  description = "PriceClass_100 is Europe and North America; PriceClass_All is the world."
}
