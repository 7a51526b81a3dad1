variable "enabled" {
  type        = bool
  default     = false
  description = "Shield Advanced is 3,000 USD a month for a year, subscribed to by hand (aws shield create-subscription). Shield Standard is always there."
}

variable "resources" {
  type        = map(string)
  default     = {}
  description = "ARNs of distributions, load balancers, zones and addresses, by a name for each."
}

variable "emergency_emails" {
  type        = list(string)
  default     = []
  description = "The people whom the response team of AWS calls."
}
