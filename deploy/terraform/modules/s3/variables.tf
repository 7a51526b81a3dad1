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
  description = "Nobody may delete or replace a version for this long; 0: no object lock. You cannot remove the lock later."
}

variable "lock_mode" {
  type        = string
  default     = "GOVERNANCE"
  description = "GOVERNANCE: who has s3:BypassGovernanceRetention may; COMPLIANCE: nobody, not even the account's root."
}

variable "instant_after_days" {
  type        = number
  default     = 30
  description = "Days until objects move to Glacier Instant Retrieval, where reads take milliseconds as before; 0: never."
}

variable "deep_after_days" {
  type        = number
  default     = 0
  description = "Days until objects move to Glacier Deep Archive, from where a restore takes 12 to 48 hours; 0: never."
}

variable "expire_after_days" {
  type        = number
  default     = 0
  description = "Days until objects are deleted; 0: never."
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
