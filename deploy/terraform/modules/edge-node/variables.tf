variable "name" {
  type        = string
  description = "Of the node and of all that belongs to it: house-malta."
}

variable "region" {
  type        = string
  description = "The node's region, to which Route 53 measures latency."
}

variable "account_id" {
  type        = string
  description = "The account, for the policy of what the node may read."
}

variable "hostname" {
  type        = string
  description = "The name that customers use; the node gets its certificate by ACME."
}

variable "names" {
  type        = list(string)
  default     = null
  description = "Names that lead to the nearest node; null: hostname alone."
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone of the names."
}

variable "policy" {
  type        = any
  description = "edge.yaml as an object; the module adds the node's addresses and files."
}

variable "image" {
  type        = string
  description = "The https: address of the archive that make image-edge made."
}

variable "image_sum" {
  type        = string
  description = "The archive's SHA-256; the machine starts no other archive."
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.image_sum))
    error_message = "A SHA-256 in lower-case hexadecimal."
  }
}

variable "acme_email" {
  type        = string
  description = "The address to which the certificate's issuer writes."
}

variable "countries" {
  type        = string
  default     = ""
  description = "The https: address of a country database (.mmdb). Empty: no country is known."
}

variable "secret_arn" {
  type        = string
  description = "The secret that signs the country, in the Secrets Manager of any region."
}

variable "secret_key_arn" {
  type        = string
  description = "The key that the secret is encrypted with."
}

variable "instance_type" {
  type        = string
  default     = "t3a.small"
  description = "The machine."
}

variable "machine_image" {
  type        = string
  default     = "resolve:ssm:/aws/service/debian/release/12/latest/amd64"
  description = "Debian 12; for an instance type of Graviton its arm64, and an image for it."
}

variable "cidr" {
  type        = string
  default     = "10.60.0.0/24"
  description = "The node's own network; nothing else is in it."
}

variable "leaving" {
  type        = bool
  default     = false
  description = "true: no name leads to the node any more. Apply, wait for a TTL, then remove the node."
}

variable "protected" {
  type        = bool
  default     = true
  description = "Protects the instance from termination by mistake; set false before you remove it."
}

variable "ttl_s" {
  type        = number
  default     = 60
  description = "How long resolvers keep the node's address."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Of the instance's disk, which does not inherit the provider's default tags."
}
