# Five years for the regulator: read at once for the first half year, then from Deep Archive.
module "books" {
  source = "../.."

  name               = "house-books-111122223333"
  account_id         = "111122223333"
  kms_key_arn        = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  lock_years         = 5
  instant_after_days = 30
  deep_after_days    = 180
}

module "logs" {
  source = "../.."

  name                   = "house-logs-111122223333"
  account_id             = "111122223333"
  logs_of_load_balancers = true
  instant_after_days     = 0
  expire_after_days      = 400
}
