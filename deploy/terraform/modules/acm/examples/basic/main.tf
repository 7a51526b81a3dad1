module "certificate" {
  source = "../.."

  domain  = "bets.example"
  zone_id = "Z0000000000000"
}
