variable "name" {
  type        = string
  description = "Before the names."
}

variable "monthly_usd" {
  type        = number
  description = "What a month may cost; docs/CLOUD.md says what each root does."
}

variable "topic_arn" {
  type        = string
  description = "Who is told, at 80 % spent and when the forecast passes all of it."
}

variable "anomaly_usd" {
  type        = number
  default     = 50
  description = "A day that costs so much more than expected is told at once."
}

variable "anomaly_email" {
  type        = string
  description = "Anomalies are told by mail: their topic must not be encrypted by a key of ours."
}
