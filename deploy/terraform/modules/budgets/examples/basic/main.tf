module "budget" {
  source = "../.."

  name          = "house"
  monthly_usd   = 3000
  topic_arn     = "arn:aws:sns:eu-central-1:111122223333:house-tickets"
  anomaly_email = "operators@bets.example"
}
