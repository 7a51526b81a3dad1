variable "name" {
  type        = string
  description = "Prefix of the keys' aliases: alias/NAME-KEY."
}

variable "account_id" {
  type        = string
  description = "The account that administers the keys."
}

variable "region" {
  type        = string
  description = "For the service principals of logs."
}

variable "keys" {
  type = map(string)
  default = {
    data    = "databases, Kafka and disks"
    logs    = "logs"
    secrets = "secrets"
    archive = "archive and backups"
  }
  description = "Keys by name, and what each is for."
}

variable "multi_region" {
  type        = bool
  default     = false
  description = "Keys that can have a replica in another region, for copies of snapshots."
}
