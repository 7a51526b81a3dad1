variable "domain" {
  type        = string
  description = "The certificate's first name."
}

variable "names" {
  type        = list(string)
  default     = []
  description = "Further names."
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone that proves the names; renewals need its records to stay."
}
