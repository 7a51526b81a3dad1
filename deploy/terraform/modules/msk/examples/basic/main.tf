module "bus" {
  source = "../.."

  name   = "house"
  vpc_id = "vpc-00000000000000001"
  subnets = [
    "subnet-00000000000000021",
    "subnet-00000000000000022",
    "subnet-00000000000000023",
  ]
  clients      = { processes = "sg-00000000000000001" }
  kms_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  logs_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
}
