module "cluster" {
  source = "../.."

  name = "house"
  subnets = [
    "subnet-00000000000000011",
    "subnet-00000000000000012",
    "subnet-00000000000000013",
  ]
  secrets_key_arn         = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  disks_key_arn           = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
  logs_key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000003"
  balancer_security_group = "sg-00000000000000001"
  access = {
    "arn:aws:iam::111122223333:role/operators" = {
      policy     = "AmazonEKSAdminPolicy"
      namespaces = ["house"]
    }
  }
}
