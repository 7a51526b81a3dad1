module "analytics" {
  source = "../.."

  name        = "house"
  vpc_id      = "vpc-00000000000000001"
  vpc_cidr    = "10.20.0.0/16"
  subnet      = "subnet-00000000000000011"
  zone        = "eu-central-1a"
  clients     = { processes = "sg-00000000000000001" }
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}
