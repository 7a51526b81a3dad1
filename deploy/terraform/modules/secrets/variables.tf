variable "name" {
  type        = string
  description = "Prefix of the secrets' names: NAME/SECRET."
}

variable "kms_key_arn" {
  type        = string
  description = "The key that values are encrypted with. Kafka's passwords cannot use the account's default key."
}

variable "secrets" {
  type = map(
    object({
      description = string
      rotate_days = optional(number, 0)
      kafka       = optional(bool, false)
    })
  )
  description = "Secrets by name, without values, which would end up in the state; docs/CLOUD.md says how to set each value. kafka: MSK requires names that begin with AmazonMSK_."
}

variable "rotation_lambda_arn" {
  type        = string
  default     = null
  description = "The function that rotates the secrets with rotate_days; AWS publishes one for PostgreSQL users."
}
