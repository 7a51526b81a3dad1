variable "account_id" {
  type        = string
  description = "The AWS account."
}

variable "name" {
  type        = string
  default     = "house"
  description = "Prefix of all names."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A tag on every resource."
}

variable "owner" {
  type        = string
  description = "A tag on every resource: the people responsible for it. ACME's issuer writes there, too."
}

variable "domain" {
  type        = string
  description = "The name that customers use."
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone of the domain."
}

variable "nodes" {
  type = map(
    object({
      region        = string
      instance_type = optional(string, "t3a.small")
      leaving       = optional(bool, false)
      protected     = optional(bool, true)
    })
  )
  default = {
    milan    = { region = "eu-south-1" }
    saopaulo = { region = "sa-east-1" }
  }
  description = "A new country is one entry: its name, and a region of provider.tf."
  validation {
    condition = alltrue([
      for node in values(var.nodes) :
      contains(["eu-central-1", "eu-south-1", "sa-east-1", "ap-southeast-1"], node.region)
    ])
    error_message = "A region that provider.tf and main.tf have no block of."
  }
}

variable "origins" {
  type = list(object({
    name = string
    host = string
    port = optional(number, 443)
    tls  = optional(bool, true)
  }))
  default     = [{ name = "main", host = "origin.bets.example" }]
  description = "The origins of the nodes: the load balancers of the platform."
}

variable "policy" {
  type        = any
  default     = {}
  description = "Replaces values of this folder's edge.yaml, key by key."
}

variable "image" {
  type        = string
  default     = "https://releases.bets.example/overround-edge-0.9.0.tar"
  description = "The https: address of the archive that make image-edge made."
}

variable "image_sum" {
  type        = string
  default     = "0000000000000000000000000000000000000000000000000000000000000000"
  description = "Its SHA-256."
}

variable "countries" {
  type        = string
  default     = "https://releases.bets.example/country.mmdb"
  description = "The https: address of a country database (.mmdb)."
}

variable "secret_arn" {
  type        = string
  default     = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/edge-AbCdEf"
  description = "The secret that signs countries: the value of the servers' --edge-secret."
}

variable "secret_key_arn" {
  type        = string
  default     = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  description = "The key that it is encrypted with."
}
