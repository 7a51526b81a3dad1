mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name             = "house"
  account_id       = "111122223333"
  region           = "eu-central-1"
  zones            = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  certificate_arn  = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  edge_prefix_list = "pl-00000001"
  runbook          = "https://runbook.bets.example/OPERATE.md"
}

run "a_first_region" {
  command = plan
  assert {
    condition     = length(module.images) == 1 && length(module.network.private_subnets) == 3
    error_message = "images, and three zones"
  }
  assert {
    condition     = length(output.secrets) == 6
    error_message = "a secret of the product is missing"
  }
}

run "a_second_one_has_the_firsts_images" {
  command = plan
  variables {
    secondary      = true
    global_cluster = "house"
    source_region  = "eu-west-1"
  }
  assert {
    condition     = length(module.images) == 0 && output.image == null
    error_message = "the repository is made twice"
  }
}
