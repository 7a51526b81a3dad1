variable "name" {
  type        = string
  description = "The cluster's name."
}

variable "kubernetes_version" {
  type        = string
  default     = "1.33"
  description = "The chart is for 1.30 to 1.37."
}

variable "subnets" {
  type        = list(string)
  description = "A private subnet of each zone."
}

variable "secrets_key_arn" {
  type        = string
  description = "The key that Kubernetes' secrets are encrypted with."
}

variable "disks_key_arn" {
  type        = string
  description = "The key of the nodes' disks."
}

variable "logs_key_arn" {
  type        = string
  description = "The key of the control plane's log."
}

variable "api_cidrs" {
  type        = list(string)
  default     = []
  description = "Networks outside that may connect to the API; empty: only the network itself may."
}

variable "balancer_security_group" {
  type        = string
  description = "The load balancer, which may reach the pods' ports 8080 and 8081."
}

variable "pools" {
  type = map(
    object({
      types   = list(string)
      spot    = optional(bool, false)
      min     = number
      max     = number
      desired = number
      disk_gb = optional(number, 40)
    })
  )
  default = {
    money = { types = ["m7a.large"], min = 3, max = 9, desired = 3 }
    web = {
      types   = ["m7a.large", "m6a.large", "m7i.large", "m6i.large"]
      spot    = true
      min     = 2
      max     = 20
      desired = 3
    }
  }
  description = "Node groups. Bets run on demand. Pages and streams may lose a node: their clients reconnect elsewhere in a second."
}

variable "access" {
  type        = map(object({ policy = string, namespaces = optional(list(string), []) }))
  default     = {}
  description = "People's permissions: AWS's access policy (AmazonEKSAdminPolicy, AmazonEKSViewPolicy, …) by the ARN of the person's role; for all namespaces if you name none."
}

variable "addons" {
  type = map(string)
  default = {
    coredns                = ""
    kube-proxy             = ""
    vpc-cni                = ""
    eks-pod-identity-agent = ""
    aws-ebs-csi-driver     = ""
    metrics-server         = ""
  }
  description = "Add-ons and their releases; empty: the default for the cluster's."
}

variable "log_days" {
  type        = number
  default     = 90
  description = "How long the control plane's log is kept."
}
