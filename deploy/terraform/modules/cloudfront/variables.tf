variable "name" {
  type        = string
  description = "Prefix of all names."
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

variable "trial_origin" {
  type        = string
  default     = ""
  description = "The origin of a release under trial; empty: none."
}

variable "origin_key" {
  sensitive   = true
  type        = string
  default     = ""
  description = "The secret sent to the origin as X-Overround-Edge; the load balancer refuses requests without it."
}

variable "origin_shield_region" {
  type        = string
  default     = null
  description = "One cache before the origin, which all other caches ask."
}

variable "policy" {
  type        = any
  default     = null
  description = "jsondecode(file(…)) of cloudfront.json, which overround edge --for cloudfront writes. Null: policy.tf."
}

variable "function_code" {
  type        = string
  default     = ""
  description = "function.js, which the same command writes; empty: none."
}

variable "countries" {
  type     = object({ allowed = list(string), refused = list(string) })
  default  = { allowed = [], refused = ["CU", "IR", "KP", "SY"] }
  nullable = false

  description = "Countries for the firewall's rule: if some are allowed, all others are refused. The function has the policy's own list."
}

variable "open_paths" {
  type = list(string)
  default = [
    "/v1/sessions",
    "/v1/wallet",
    "/v1/bets",
    "/v1/limits",
    "/v1/exclusion",
    "/bets",
    "/wallet",
    "/account",
    "/assets",
  ]
  nullable    = false
  description = "Paths that stay open in refused countries: to log in, see money and bets, withdraw, limit and exclude oneself. The function knows the methods."
}

variable "rates" {
  type = list(object({
    name = string, limit = number, paths = list(string), methods = optional(list(string), [])
  }))
  default = [
    { name = "login", limit = 150, paths = ["/v1/sessions", "/v1/accounts"], methods = ["POST"] },
    { name = "money", limit = 3000, paths = ["/v1/bets", "/v1/wallet"] },
    { name = "read", limit = 15000, paths = [] },
  ]
  nullable    = false
  description = "Requests from one address within five minutes: five times the rate a minute in deploy/edge/edge.yaml. Without methods, requests of every method count."
}

variable "agents" {
  type        = list(string)
  default     = []
  nullable    = false
  description = "Words in User-Agent by which bots are refused, in any case."
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
