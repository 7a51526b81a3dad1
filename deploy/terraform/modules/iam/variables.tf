variable "name" {
  type        = string
  description = "Prefix of the roles' names."
}

variable "cluster_name" {
  type        = string
  description = "The EKS cluster whose pods take the roles."
}

variable "identities" {
  type = map(
    object({
      namespace       = string
      service_account = string
      irsa            = optional(bool, false)
      statements = list(
        object({
          actions   = list(string)
          resources = list(string)
          condition = optional(map(map(string)), {})
        })
      )
    })
  )
  description = "What each service account may do. By Pod Identity; by IRSA where irsa is set, for software that does not know the former."
}

variable "oidc_arn" {
  type        = string
  default     = null
  description = "The cluster's OIDC provider, for IRSA."
}

variable "oidc_issuer" {
  type        = string
  default     = null
  description = "Its issuer, https://…"
}

variable "archive_user" {
  type        = object({ bucket_arn = string, key_arn = string })
  default     = null
  description = "A user for overround archive on machines that cannot get a role (another cloud's); make its key by hand, so that no state contains it."
}
