variable "name" {
  type        = string
  description = "Prefix of the names."
}

variable "monthly_usd" {
  type        = number
  description = "The budget of a month; docs/CLOUD.md says what each root costs."
}

variable "topic_arn" {
  type        = string
  description = "The addresses that get a mail at 80 % spent and when the forecast exceeds the budget."
}

variable "anomaly_usd" {
  type        = number
  default     = 50
  description = "A day that costs so much more than expected is reported at once."
}

variable "anomaly_email" {
  type        = string
  description = "Anomalies are sent by mail: their topic must not be encrypted by a key of ours."
}
