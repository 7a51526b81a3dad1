variable "name" {
  type        = string
  description = "The cluster's identifier."
}

variable "vpc_id" {
  type        = string
  description = "The network."
}

variable "subnets" {
  type        = list(string)
  description = "A data subnet of each zone."
}

variable "zones" {
  type        = list(string)
  description = "At the start the writer is in the first, a reader in each of the others."
}

variable "clients" {
  type        = map(string)
  description = "Security groups that may connect, by a name for each."
}

variable "kms_key_arn" {
  type        = string
  description = "The key of storage, backups and the master's password."
}

variable "engine_version" {
  type        = string
  default     = "16.6"
  description = "Aurora PostgreSQL."
}

variable "instance_class" {
  type        = string
  default     = "db.r7g.large"
  description = "Of each instance: a reader takes the writer's place."
}

variable "instances" {
  type        = number
  default     = 3
  description = "Writer and readers. overround uses only the writer; a reader takes over within half a minute."
}

variable "max_connections" {
  type        = number
  default     = 1000
  description = "Each process needs lanes + readers + 4."
}

variable "backup_days" {
  type        = number
  default     = 35
  description = "Days of point-in-time recovery."
}

variable "global_cluster" {
  type        = string
  default     = null
  description = "The global database that this cluster belongs to."
}

variable "secondary" {
  type        = bool
  default     = false
  description = "This region only reads, from another region that writes, until it is promoted."
}

variable "source_region" {
  type        = string
  default     = null
  description = "The writing region, for a secondary with encrypted storage."
}

variable "rpo_s" {
  type        = number
  default     = 0
  description = "Commits wait while every other region is further behind than this (rds.global_db_rpo, at least 20); 0: they never wait."
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Protects it from deletion by mistake."
}

variable "master_password" {
  type        = string
  default     = null
  ephemeral   = true
  description = "The master's password of a global database's first cluster: in no plan and no state (ephemeral). Rotate it by hand."
}
