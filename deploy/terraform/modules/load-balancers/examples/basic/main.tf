module "balancers" {
  source = "../.."

  name     = "house"
  vpc_id   = "vpc-00000000000000001"
  vpc_cidr = "10.20.0.0/16"
  public_subnets = [
    "subnet-00000000000000001",
    "subnet-00000000000000002",
    "subnet-00000000000000003",
  ]
  private_subnets = [
    "subnet-00000000000000011",
    "subnet-00000000000000012",
    "subnet-00000000000000013",
  ]
  certificate_arn          = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  operators                = true
  operator_certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000002"
  operator_cidrs           = ["10.99.0.0/16"]
  edge_prefix_list         = "pl-00000001"
}
