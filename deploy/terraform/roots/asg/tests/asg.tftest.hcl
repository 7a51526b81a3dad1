mock_provider "aws" {
  source = "../../mocks"
}

mock_provider "aws" {
  alias  = "edge"
  source = "../../mocks"
}

variables {
  account_id       = "111122223333"
  owner            = "operators@bets.example"
  domain           = "bets.example"
  zone_id          = "Z0000000000000"
  edge_prefix_list = "pl-00000001"
  edge_key         = "0123456789abcdef"
  runbook          = "https://runbook.bets.example/OPERATE.md"
}

run "a_group_for_each_role" {
  command = plan
  assert {
    condition     = toset(keys(output.groups)) == toset(["bets", "core", "web"])
    error_message = "core, bets and web"
  }
}
