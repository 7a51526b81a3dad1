module "identities" {
  source = "../.."

  name         = "house"
  cluster_name = "house"
  identities = {
    secrets = {
      namespace       = "external-secrets"
      service_account = "external-secrets"
      statements = [
        {
          actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          resources = ["arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/*"]
        },
      ]
    }
  }
  archive_user = {
    bucket_arn = "arn:aws:s3:::house-books-111122223333"
    key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  }
}
