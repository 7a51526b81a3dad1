variable "name" {
  type        = string
  description = "The instance's identifier."
}

variable "vpc_id" {
  type        = string
  description = "The network."
}

variable "subnets" {
  type        = list(string)
  description = "A data subnet of each zone."
}

variable "clients" {
  type        = map(string)
  description = "Security groups that may connect, by a name for each."
}

variable "kms_key_arn" {
  type        = string
  description = "The key of disks, backups and the master's password."
}

variable "engine_version" {
  type        = string
  default     = "16.6"
  description = "PostgreSQL; 15 and later are tested with."
}

variable "instance_class" {
  type        = string
  default     = "db.m7g.large"
  description = "Its size."
}

variable "storage_gb" {
  type        = number
  default     = 100
  description = "Size at the start; it grows by itself to ten times that."
}

variable "multi_az" {
  type        = bool
  default     = true
  description = "A standby in another zone that has every commit: both have every bet that was answered 201."
}

variable "readers" {
  type        = number
  default     = 0
  description = "Asynchronous copies for reports by hand. overround itself reads the primary."
}

variable "max_connections" {
  type        = number
  default     = 500
  description = "Each process needs lanes + readers + 4."
}

variable "backup_days" {
  type        = number
  default     = 35
  description = "Days of point-in-time recovery; no longer than you may keep personal data."
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Protects it from deletion by mistake."
}
