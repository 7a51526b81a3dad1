module "secrets" {
  source = "../.."

  name                = "house"
  kms_key_arn         = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  rotation_lambda_arn = "arn:aws:lambda:eu-central-1:111122223333:function:rotate-postgres"
  secrets = {
    store    = { description = "URL of PostgreSQL", rotate_days = 30 }
    operator = { description = "the first operator's token" }
    bus      = { description = "SCRAM user of Kafka", kafka = true }
  }
}
