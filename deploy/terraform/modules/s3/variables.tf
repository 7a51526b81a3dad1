variable "name" {
  type        = string
  description = "The bucket's name."
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = "The key; null is S3's own, which logs of load balancers need."
}

variable "lock_years" {
  type        = number
  default     = 0
  description = "Nobody may delete or replace a version for this long; 0: no object lock. It cannot be taken away later."
}

variable "lock_mode" {
  type        = string
  default     = "GOVERNANCE"
  description = "GOVERNANCE: who has s3:BypassGovernanceRetention may; COMPLIANCE: nobody, not even the account's root."
}

variable "instant_after_days" {
  type        = number
  default     = 30
  description = "To Glacier Instant Retrieval; 0: never. Read as before, in milliseconds."
}

variable "deep_after_days" {
  type        = number
  default     = 0
  description = "To Glacier Deep Archive; 0: never. Back within 12 to 48 hours."
}

variable "expire_after_days" {
  type        = number
  default     = 0
  description = "When objects go; 0: never."
}

variable "logs_of_load_balancers" {
  type        = bool
  default     = false
  description = "Load balancers of this account may write here."
}

variable "account_id" {
  type        = string
  description = "The account whose load balancers write."
}
