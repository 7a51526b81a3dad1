variable "project" {
  type        = string
  description = "The project."
}

variable "region" {
  type        = string
  default     = "europe-west3"
  description = "The region."
}

variable "name" {
  type        = string
  default     = "house"
  description = "Prefix of all names."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A label on every resource."
}

variable "owner" {
  type        = string
  description = "A label on every resource: the people responsible for it."
}
