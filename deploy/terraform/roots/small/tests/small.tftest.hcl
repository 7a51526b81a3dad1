mock_provider "aws" {
  source = "../../mocks"
}

variables {
  account_id = "111122223333"
  owner      = "operators@bets.example"
  domain     = "bets.example"
  zone_id    = "Z0000000000000"
  acme_email = "operators@bets.example"
}

run "one_box_that_only_customers_reach" {
  command = plan
  assert {
    condition = toset([
      for rule in aws_vpc_security_group_ingress_rule.customers :
      rule.from_port
    ]) == toset([80, 443])
    error_message = "another port is open"
  }
  assert {
    condition     = aws_ebs_volume.data.encrypted && aws_instance.this.disable_api_termination
    error_message = "the money's disk is not protected"
  }
  assert {
    condition     = length(module.network.nat_addresses) == 0
    error_message = "a NAT gateway costs more than the box"
  }
}
