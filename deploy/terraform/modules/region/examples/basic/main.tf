module "region" {
  source = "../.."

  name             = "house"
  account_id       = "111122223333"
  region           = "eu-central-1"
  zones            = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  certificate_arn  = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  edge_prefix_list = "pl-00000001"
  runbook          = "https://runbook.bets.example/OPERATE.md"
}
