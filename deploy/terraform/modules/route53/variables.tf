variable "zone_id" {
  type        = string
  default     = null
  description = "The zone; null: it is made here."
}

variable "zone_name" {
  type        = string
  description = "Its name."
}

variable "health_checks" {
  type = map(
    object({
      host    = string
      path    = optional(string, "/v1/sports")
      regions = optional(list(string), ["eu-west-1", "us-east-1", "ap-southeast-1"])
    })
  )
  default     = {}
  description = "What is asked over HTTPS every 10 s from outside."
}

variable "aliases" {
  type = map(
    object({
      name         = string
      target       = string
      zone_id      = string
      ipv6         = optional(bool, false)
      policy       = optional(string, "simple")
      region       = optional(string)
      health_check = optional(string)
      evaluate     = optional(bool, true)
    })
  )
  default     = {}
  description = "Names of AWS resources. policy: simple; latency (by region); primary or secondary: Route 53 answers with the secondary while the primary's check fails."
}

variable "addresses" {
  type = map(
    object({ name = string, address = string, region = string, health_check = optional(string) })
  )
  default     = {}
  description = "Names of addresses elsewhere, edge nodes of other providers: the nearest one by latency from the AWS region named."
}

variable "ttl" {
  type        = number
  default     = 60
  description = "Seconds that answers about addresses are kept."
}
