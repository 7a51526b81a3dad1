module "bets" {
  source = "../.."

  name           = "house-bets"
  roles          = "bets"
  region         = "eu-central-1"
  account_id     = "111122223333"
  image          = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/overround:0.9.0"
  repository_arn = "arn:aws:ecr:eu-central-1:111122223333:repository/overround"
  vpc_id         = "vpc-00000000000000001"
  subnets = [
    "subnet-00000000000000011",
    "subnet-00000000000000012",
    "subnet-00000000000000013",
  ]
  key_arns = [
    "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001",
  ]
  warm     = 1
  settings = { lanes = "4", proxies = "2" }
  secrets = {
    store = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/store-AbCdEf"
  }
  schedule = {
    evening = { recurrence = "0 17 * * *", min = 4, time_zone = "Europe/Berlin" }
    night   = { recurrence = "30 23 * * *", min = 2, time_zone = "Europe/Berlin" }
  }
}
