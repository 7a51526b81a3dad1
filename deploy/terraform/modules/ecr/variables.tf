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
  description = "The number of tagged images to keep: more than the releases to which you may roll back."
}

variable "replicate_to" {
  type        = map(string)
  default     = {}
  description = "Regions that get a copy, and the account there: a second region starts from it while the first is down."
}
