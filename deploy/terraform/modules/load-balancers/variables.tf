variable "name" {
  type        = string
  description = "Prefix of all names; at most 20 characters."
}

variable "vpc_id" {
  type        = string
  description = "The network."
}

variable "vpc_cidr" {
  type        = string
  description = "Its addresses: where health checks and requests to processes go."
}

variable "public_subnets" {
  type        = list(string)
  description = "A public subnet of each zone."
}

variable "private_subnets" {
  type        = list(string)
  description = "A private subnet of each zone, for the operators' balancer."
}

variable "certificate_arn" {
  type        = string
  description = "The certificate of the public name and of the origin's name."
}

variable "operators" {
  type        = bool
  default     = false
  description = "A balancer for operators, within the network."
}

variable "operator_certificate_arn" {
  type        = string
  default     = null
  description = "The certificate of the operators' name."
}

variable "operator_cidrs" {
  type        = list(string)
  default     = []
  description = "Networks of the operators: a VPN, an office. Never the whole internet."
}

variable "edge_prefix_list" {
  type        = string
  description = "AWS's managed list of CloudFront's addresses (com.amazonaws.global.cloudfront.origin-facing) in this region: aws ec2 describe-managed-prefix-lists."
}

variable "edge_key" {
  sensitive   = true
  type        = string
  default     = ""
  description = "The secret that CloudFront sends as X-Overround-Edge. Requests without it get 403, because the prefix list covers all of CloudFront's customers. Empty: not required."
}

variable "direct_open" {
  type        = bool
  default     = false
  description = "true on the day the CDN is gone: the balancer with fixed addresses then serves customers itself. docs/CLOUD.md has the steps."
}

variable "logs_bucket" {
  type        = string
  default     = null
  description = "Where requests are logged; the bucket must let load balancers write."
}

variable "target_type" {
  type        = string
  default     = "ip"
  description = "ip: pods; instance: an Auto Scaling Group."
}

variable "idle_s" {
  type        = number
  default     = 3600
  description = "The longest silence of a stream; the pages send a ping before."
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Protects a balancer from deletion by mistake."
}

variable "drain_s" {
  type        = number
  default     = 90
  description = "Seconds that a removed target may finish its requests: a bet waits up to 75 s for a trader, and its process as long as the group's drain_s."

  validation {
    condition     = var.drain_s >= 75 && var.drain_s <= 3600
    error_message = "75 to 3600: what waits for a trader must not be cut."
  }
}
