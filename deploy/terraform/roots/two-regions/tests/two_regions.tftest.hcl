mock_provider "aws" {
  source = "../../mocks"
}

mock_provider "aws" {
  alias  = "second"
  source = "../../mocks"
}

mock_provider "aws" {
  alias  = "edge"
  source = "../../mocks"
}

variables {
  account_id        = "111122223333"
  owner             = "operators@bets.example"
  domain            = "bets.example"
  zone_id           = "Z0000000000000"
  edge_prefix_lists = { first = "pl-00000001", second = "pl-00000002" }
  edge_key          = "0123456789abcdef"
  master_password   = "not-a-secret-1"
  runbook           = "https://runbook.bets.example/OPERATE.md"
}

run "one_global_database" {
  command = plan
  assert {
    condition = alltrue([
      aws_rds_global_cluster.this.storage_encrypted,
      aws_rds_global_cluster.this.deletion_protection,
    ])
    error_message = "the global database is not protected"
  }
}
