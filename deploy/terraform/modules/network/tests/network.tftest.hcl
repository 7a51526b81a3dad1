mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name         = "house"
  region       = "eu-central-1"
  zones        = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  logs_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "each_zone_has_its_own_way_out" {
  command = plan
  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "three zones, three NAT gateways, three routes"
  }
  assert {
    condition = length(
      distinct(
        concat(
          [for s in aws_subnet.public : s.cidr_block],
          [for s in aws_subnet.private : s.cidr_block],
          [for s in aws_subnet.data : s.cidr_block]
        )
      )
    ) == 9
    error_message = "nine subnets without overlap"
  }
}

run "one_nat_serves_every_zone" {
  command = plan
  variables {
    nat = "one"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "all zones leave by one gateway"
  }
}

run "without_nat_nobody_leaves" {
  command = plan
  variables {
    nat = "none"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.nat) == 0
    error_message = "no gateway and no route"
  }
}

run "no_instance_gets_a_public_address_by_itself" {
  command = plan
  assert {
    condition     = alltrue([for s in aws_subnet.public : s.map_public_ip_on_launch == false])
    error_message = "a public subnet gives addresses away"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
