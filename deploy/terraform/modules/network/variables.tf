variable "name" {
  type        = string
  description = "Prefix of the names of all parts."
}

variable "region" {
  type        = string
  description = "The region, for the endpoints' names."
}

variable "cidr" {
  type        = string
  default     = "10.20.0.0/16"
  description = "The network's addresses, a /16: each subnet is a /20 of it."
}

variable "zones" {
  type        = list(string)
  description = "Availability zones; each has a public, a private and a data subnet."
}

variable "nat" {
  type        = string
  default     = "zone"
  description = "zone: a NAT gateway in each zone; one: one for all, which is cheaper and is lost with its zone; none."
}

variable "endpoints" {
  type        = list(string)
  default     = ["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sts"]
  description = "Services that the network reaches by an interface endpoint, not by NAT."
}

variable "logs_key_arn" {
  type        = string
  default     = null
  description = "KMS key of the flow log; null: CloudWatch's own."
}

variable "flow_log_days" {
  type        = number
  default     = 90
  description = "How long connections are kept."
}
