variable "name" {
  type        = string
  description = "Prefix of all names, with the roles: house-bets."
}

variable "roles" {
  type        = string
  description = "The value of overround serve --role: bets, or feed,odds,settle."
}

variable "region" {
  type        = string
  description = "The region."
}

variable "account_id" {
  type        = string
  description = "The account, for the policy of who may complete a hook."
}

variable "image" {
  type        = string
  description = "The container image by its digest or an immutable tag, in ECR."
}

variable "repository_arn" {
  type        = string
  description = "The ECR repository, for the right to pull."
}

variable "vpc_id" {
  type        = string
  description = "The network."
}

variable "subnets" {
  type        = list(string)
  description = "A private subnet of each zone."
}

variable "instance_types" {
  type        = list(string)
  default     = ["m7a.large"]
  description = "The instance types: without spot only the first is used; with spot all of them."
}

variable "machine_image" {
  type        = string
  default     = "resolve:ssm:/aws/service/debian/release/12/latest/amd64"
  description = "Debian 12 with systemd; name one AMI where every boot must be the same."
}

variable "spot" {
  type        = bool
  default     = false
  description = "Spot instances: only for pages and streams, because their clients reconnect elsewhere."
}

variable "min" {
  type        = number
  default     = 2
  description = "At least."
}

variable "max" {
  type        = number
  default     = 6
  description = "At most."
}

variable "warm" {
  type        = number
  default     = 0
  description = "Instances that are stopped with the image pulled, ready within half a minute. Not with spot."
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "Settings by their names in docs/CONFIG.md, without secret values."
}

variable "secrets" {
  type        = map(string)
  default     = {}
  description = "Settings whose value is a secret: the setting's name and the secret's ARN."
}

variable "key_arns" {
  type        = list(string)
  description = "Keys that encrypt secrets and disks; the first encrypts the disks."
}

variable "from" {
  type        = map(string)
  default     = {}
  description = "Security groups that may connect to 8080 and 8081: load balancers, Prometheus."
}

variable "target_groups" {
  type        = list(string)
  default     = []
  description = "Target groups with which instances register."
}

variable "cpu_target" {
  type        = number
  default     = 60
  description = "Instances are added above this CPU, in percent."
}

variable "schedule" {
  type = map(
    object({
      recurrence = string
      min        = number
      max        = optional(number)
      time_zone  = optional(string, "Etc/UTC")
    })
  )
  default     = {}
  description = "Known peaks, by cron: more instances before an evening, fewer after it."
}

variable "archive" {
  type        = object({ to = string, bucket_arn = string, key_arn = string })
  default     = null
  description = "Each night overround archive copies finished days to `to` (s3://BUCKET/PREFIX), with the instance's own keys. Set it for one group only."
}

variable "drain_s" {
  type        = number
  default     = 45
  description = "How long a process may drain, seconds; above its own drain-s (30). podman, systemd and the group's hook wait for it."

  validation {
    condition     = var.drain_s >= 10 && var.drain_s <= 7000 && floor(var.drain_s) == var.drain_s
    error_message = "Whole seconds, 10 to 7000: the hook of a group waits two hours at most."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Of instances and disks, which do not inherit the provider's default tags."
}
