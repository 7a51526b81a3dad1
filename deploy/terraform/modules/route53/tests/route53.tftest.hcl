mock_provider "aws" {
  source = "../../mocks"
}

variables {
  zone_name = "bets.example"
}

run "the_second_is_told_while_the_first_fails" {
  command = plan
  variables {
    zone_id       = "Z0000000000000"
    health_checks = { first = { host = "origin-1.bets.example" } }
    aliases = {
      first = {
        name         = "origin.bets.example"
        target       = "a.example"
        zone_id      = "Z1"
        policy       = "primary"
        health_check = "first"
      }
      second = {
        name    = "origin.bets.example"
        target  = "b.example"
        zone_id = "Z2"
        policy  = "secondary"
      }
    }
  }
  assert {
    condition = alltrue([
      aws_route53_record.alias["first A"].failover_routing_policy[0].type == "PRIMARY",
      aws_route53_record.alias["second A"].failover_routing_policy[0].type == "SECONDARY",
    ])
    error_message = "no failover"
  }
  assert {
    condition = alltrue([
      aws_route53_health_check.this["first"].request_interval == 10,
      aws_route53_health_check.this["first"].failure_threshold == 3,
    ])
    error_message = "a failure is seen after 30 s"
  }
  assert {
    condition     = length(aws_route53_zone.this) == 0
    error_message = "the zone that was given is used"
  }
}

run "the_nearest_node_answers" {
  command = plan
  variables {
    addresses = {
      helsinki = { name = "edge.bets.example", address = "192.0.2.10", region = "eu-north-1" }
      lisbon   = { name = "edge.bets.example", address = "2001:db8::1", region = "eu-south-2" }
    }
  }
  assert {
    condition = alltrue([
      aws_route53_record.address["helsinki"].latency_routing_policy[0].region == "eu-north-1",
      aws_route53_record.address["lisbon"].type == "AAAA",
    ])
    error_message = "by latency, each address with its type"
  }
}

run "a_name_for_both_protocols" {
  command = plan
  variables {
    aliases = {
      www = {
        name    = "bets.example"
        target  = "d1.cloudfront.net"
        zone_id = "Z2FDTNDATAQYW2"
        ipv6    = true
      }
    }
  }
  assert {
    condition     = toset(keys(aws_route53_record.alias)) == toset(["www A", "www AAAA"])
    error_message = "A and AAAA"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
