variable "name" {
  type        = string
  description = "Prefix of all names."
}

variable "kind" {
  type        = string
  default     = "ec2"
  description = "ec2: a server of our own; cloud: ClickHouse Cloud, reached by PrivateLink."
}

variable "vpc_id" {
  type        = string
  description = "The network."
}

variable "vpc_cidr" {
  type        = string
  description = "Its addresses."
}

variable "subnet" {
  type        = string
  description = "Where the server is (a private subnet: it installs packages), or one end of the PrivateLink."
}

variable "zone" {
  type        = string
  description = "The zone of that subnet, for the disk."
}

variable "clients" {
  type        = map(string)
  description = "Security groups that may connect, by a name for each."
}

variable "kms_key_arn" {
  type        = string
  description = "The key of the disk."
}

variable "instance_type" {
  type        = string
  default     = "r7a.large"
  description = "ec2: its size."
}

variable "volume_gb" {
  type        = number
  default     = 200
  description = "ec2: its disk. Compressed, a bet with its legs is some 100 bytes."
}

variable "image_id" {
  type        = string
  default     = "resolve:ssm:/aws/service/debian/release/12/latest/amd64"
  description = "ec2: the machine image."
}

variable "service_name" {
  type        = string
  default     = null
  description = "cloud: the endpoint service that ClickHouse Cloud names."
}

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "ec2: protects the server from termination by mistake."
}
