module "alarms" {
  source = "../.."

  name        = "house"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  runbook     = "https://runbook.bets.example/OPERATE.md"
  emails      = ["operators@bets.example"]
  load_balancer = {
    suffix  = "app/house/0123456789abcdef"
    targets = { bets = "targetgroup/house-bets/0123456789abcdef" }
  }
  database = { id = "house", cluster = true, max_connections = 1000 }
  kafka    = { cluster = "house" }
}
