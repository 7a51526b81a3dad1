variable "name" {
  type        = string
  description = "The cluster's name."
}

variable "vpc_id" {
  type        = string
  description = "The network."
}

variable "subnets" {
  type        = list(string)
  description = "A data subnet of each zone; brokers are spread over them."
}

variable "clients" {
  type        = map(string)
  description = "Security groups that may connect, by a name for each."
}

variable "kms_key_arn" {
  type        = string
  description = "The key of the disks."
}

variable "logs_key_arn" {
  type        = string
  description = "The key of the brokers' logs."
}

variable "kafka_version" {
  type        = string
  default     = "3.8.x"
  description = "Kafka; 3.9 is what the tests run."
}

variable "brokers" {
  type        = number
  default     = 3
  description = "A multiple of the zones."
}

variable "instance_type" {
  type        = string
  default     = "kafka.m7g.large"
  description = "Of each broker; kafka.t3.small for a quiet house."
}

variable "volume_gb" {
  type        = number
  default     = 100
  description = "Size for each broker at the start."
}

variable "volume_gb_max" {
  type        = number
  default     = 1000
  description = "The size to which it grows by itself."
}

variable "scram_secret_arns" {
  type        = list(string)
  default     = []
  description = "Secrets of users, with user name and password, that have a value. Their names begin with AmazonMSK_."
}

variable "log_days" {
  type        = number
  default     = 30
  description = "How long the brokers' logs are kept."
}
