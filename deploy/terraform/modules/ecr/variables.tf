variable "name" {
  type        = string
  description = "The repository: NAME is what the image is pushed as."
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = "The key that images are encrypted with; null: ECR's own."
}

variable "keep" {
  type        = number
  default     = 60
  description = "How many tagged images stay: more than the releases that may be rolled back to."
}

variable "replicate_to" {
  type        = map(string)
  default     = {}
  description = "Regions that get a copy, and the account there: what a second region starts from while the first is away."
}
