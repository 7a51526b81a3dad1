variable "name" {
  type        = string
  default     = "house"
  description = "Before all names."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A tag of everything."
}

variable "region" {
  type        = string
  default     = "fra1"
  description = "The region."
}

variable "kubernetes_version" {
  type        = string
  description = "A release that doctl kubernetes options versions lists, 1.30 to 1.37."
}

variable "operator_cidrs" {
  type        = list(string)
  description = "Who reaches the API."
}
