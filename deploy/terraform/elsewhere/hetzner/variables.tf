variable "name" {
  type        = string
  default     = "house"
  description = "Before all names."
}

variable "environment" {
  type        = string
  default     = "production"
  description = "A label of everything."
}

variable "owner" {
  type        = string
  description = "A label of everything: who answers for it."
}

variable "operator_cidrs" {
  type        = list(string)
  description = "Where operators come from."
}

variable "ssh_keys" {
  type        = list(string)
  description = "Names of keys that are in the project."
}

variable "web_servers" {
  type        = number
  default     = 2
  description = "Servers for pages and streams; there is no group that grows by itself."
}

variable "cluster_token" {
  type        = string
  sensitive   = true
  description = "What servers join the cluster with, by TF_VAR_cluster_token. It is in the state: keep that encrypted."
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
  description = "What edge nodes are made of: edge.yaml as an object, the image's archive, ACME."
}

variable "edge_secret" {
  type        = string
  default     = ""
  sensitive   = true
  description = "What countries are signed with, by TF_VAR_edge_secret. It is in the state and in the user data."
}
