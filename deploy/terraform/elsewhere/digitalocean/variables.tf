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

variable "region" {
  type        = string
  default     = "fra1"
  description = "The region."
}

variable "kubernetes_version" {
  type        = string
  description = "A release that doctl kubernetes options versions lists, 1.30 to 1.37."
}

variable "operator_cidrs" {
  type        = list(string)
  description = "Networks that may connect to the API."
}

variable "edge_nodes" {
  type = map(
    object({
      region = string
      size   = optional(string, "s-2vcpu-2gb")
    })
  )
  default     = {}
  description = "Edge nodes: { toronto = { region = \"tor1\" }, sydney = { region = \"syd1\" } }."
}

variable "edge" {
  type = object({
    policy    = any
    image     = string
    image_sum = string
    hostname  = string
    email     = string
    countries = optional(string, "")
  })
  default     = null
  description = "Inputs of the edge nodes: edge.yaml as an object, the image's archive, ACME."
}

variable "edge_secret" {
  type        = string
  default     = ""
  sensitive   = true
  description = "The secret that signs countries, by TF_VAR_edge_secret. The state and the user data contain it."
}
