variable "account_id" {
  type        = string
  description = "The AWS account."
}

variable "name" {
  type        = string
  default     = "house"
  description = "Prefix of all names."
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

variable "zone" {
  type        = string
  default     = "eu-central-1a"
  description = "The one zone."
}

variable "domain" {
  type        = string
  description = "The public name; the box gets a certificate for it by ACME."
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone of the domain."
}

variable "acme_email" {
  type        = string
  description = "The address to which the certificate's issuer writes."
}

variable "image_tag" {
  type        = string
  default     = "0.9.0"
  description = "The release."
}

variable "instance_type" {
  type        = string
  default     = "t3a.small"
  description = "Two cores in bursts, 2 GiB."
}

variable "data_gb" {
  type        = number
  default     = 10
  description = "The disk of SQLite."
}

variable "machine_image" {
  type        = string
  default     = "resolve:ssm:/aws/service/debian/release/12/latest/amd64"
  description = "Debian 12."
}

variable "monthly_usd" {
  type        = number
  default     = 30
  description = "The budget."
}
