module "names" {
  source = "../.."

  zone_name     = "bets.example"
  health_checks = { first = { host = "origin-1.bets.example" } }
  aliases = {
    first = {
      name         = "origin.bets.example"
      target       = "house-1.eu-central-1.elb.amazonaws.com"
      zone_id      = "Z215JYRZR1TBD5"
      policy       = "primary"
      health_check = "first"
    }
    second = {
      name    = "origin.bets.example"
      target  = "house-2.eu-west-1.elb.amazonaws.com"
      zone_id = "Z32O12XQLNTSW2"
      policy  = "secondary"
    }
  }
  addresses = {
    helsinki = { name = "edge.bets.example", address = "192.0.2.10", region = "eu-north-1" }
  }
}
