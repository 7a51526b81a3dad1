variable "name" {
  type        = string
  default     = "house"
  description = "Prefix of all names."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A label on every resource."
}

variable "owner" {
  type        = string
  description = "A label on every resource: the people responsible for it."
}

variable "operator_cidrs" {
  type        = list(string)
  description = "Networks of the operators."
}

variable "ssh_keys" {
  type        = list(string)
  description = "Names of existing keys in the project."
}

variable "web_servers" {
  type        = number
  default     = 2
  description = "Servers for pages and streams; no group adds servers by itself."
}

variable "cluster_token" {
  type        = string
  sensitive   = true
  description = "The token with which servers join the cluster, by TF_VAR_cluster_token. The state contains it: keep the state encrypted."
}

variable "edge_nodes" {
  type = map(
    object({
      datacenter = string
      type       = optional(string, "cx22")
    })
  )
  default     = {}
  description = "Edge nodes: { helsinki = { datacenter = \"hel1-dc2\" }, ashburn = { datacenter = \"ash-dc1\" } }."
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
