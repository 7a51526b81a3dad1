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

run "three_zones_behind_one_edge" {
  command = plan
  assert {
    condition     = length(output.secrets) == 6 && output.public_name == "bets.example"
    error_message = "the root is not whole"
  }
}

run "the_day_the_cdn_is_gone_without_values_of_the_edges_policy" {
  command = plan
  variables {
    direct_open   = true
    scram_ready   = true
    edge_policy   = null
    edge_function = null
  }
}
