module "shield" {
  source = "../.."

  enabled   = true
  resources = { edge = "arn:aws:cloudfront::111122223333:distribution/E0000000000001" }
}
