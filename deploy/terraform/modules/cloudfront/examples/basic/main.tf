module "edge" {
  source = "../.."

  name            = "house"
  aliases         = ["bets.example"]
  certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  origin          = "origin.bets.example"
}
