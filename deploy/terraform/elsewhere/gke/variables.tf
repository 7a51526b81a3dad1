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
  description = "Before all names."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A label of everything."
}

variable "owner" {
  type        = string
  description = "A label of everything: who answers for it."
}
