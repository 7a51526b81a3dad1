mock_provider "aws" {
  source = "../../mocks"
}

mock_provider "aws" {
  alias  = "eu-south-1"
  source = "../../mocks"
}

mock_provider "aws" {
  alias  = "sa-east-1"
  source = "../../mocks"
}

mock_provider "aws" {
  alias  = "ap-southeast-1"
  source = "../../mocks"
}

variables {
  account_id = "111122223333"
  owner      = "operators@bets.example"
  domain     = "bets.example"
  zone_id    = "Z0000000000000"
}

run "each_node_in_its_region" {
  command = plan
  assert {
    condition = alltrue([
      length(module.eu_central_1) == 0,
      keys(module.eu_south_1) == ["milan"],
      keys(module.sa_east_1) == ["saopaulo"],
    ])
    error_message = "a node is elsewhere"
  }
}

run "a_new_country_is_one_entry" {
  command = plan
  variables {
    nodes = {
      milan     = { region = "eu-south-1" }
      saopaulo  = { region = "sa-east-1", leaving = true }
      singapore = { region = "ap-southeast-1", instance_type = "m7a.large" }
    }
  }
  assert {
    condition     = keys(module.ap_southeast_1) == ["singapore"]
    error_message = "the new country has no node"
  }
}

run "a_region_without_a_provider_is_refused" {
  command = plan
  variables {
    nodes = { tokyo = { region = "ap-northeast-1" } }
  }
  expect_failures = [var.nodes]
}
