module "malta" {
  source = "../.."

  name           = "house-malta"
  region         = "eu-south-1"
  account_id     = "111122223333"
  hostname       = "www.example.com"
  zone_id        = "Z0000000000000"
  image          = "https://releases.example.com/overround-edge-0.9.0.tar"
  image_sum      = "0000000000000000000000000000000000000000000000000000000000000001"
  acme_email     = "operators@example.com"
  countries      = "https://releases.example.com/country.mmdb"
  secret_arn     = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/edge-AbCdEf"
  secret_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  policy = {
    hostnames = {
      public   = "www.example.com"
      direct   = "direct.example.com"
      operator = "desk.example.com"
    }
    origins   = [{ name = "main", host = "origin.example.com", port = 443, tls = true }]
    countries = { elsewhere = "refused", unknown = "refused" }
    jurisdictions = [
      { name = "malta", betting = "allowed", countries = ["MT"] },
    ]
    rates = {
      login  = { per_address = 30, per_network = 300, burst = 10 }
      money  = { per_address = 600, per_network = 6000, burst = 60 }
      read   = { per_address = 3000, per_network = 60000, burst = 300 }
      stream = { per_address = 120, per_network = 2400, burst = 40 }
    }
  }
}

output "user_data" {
  value       = module.malta.user_data
  description = "For tests."
}
