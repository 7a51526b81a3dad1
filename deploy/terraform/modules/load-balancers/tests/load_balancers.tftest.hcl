mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name             = "house"
  vpc_id           = "vpc-00000000000000001"
  vpc_cidr         = "10.20.0.0/16"
  public_subnets   = ["subnet-00000000000000001", "subnet-00000000000000002"]
  private_subnets  = ["subnet-00000000000000011", "subnet-00000000000000012"]
  certificate_arn  = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  edge_prefix_list = "pl-00000001"
}

run "customers_come_by_the_edge_alone" {
  command = plan
  assert {
    condition = alltrue([
      aws_vpc_security_group_ingress_rule.edge.prefix_list_id == "pl-00000001",
      length(aws_vpc_security_group_ingress_rule.open) == 0,
    ])
    error_message = "somebody else may come in"
  }
  assert {
    condition     = length(aws_lb.operators) == 0 && length(aws_lb_target_group.operator) == 0
    error_message = "operators have a balancer only where they have a name"
  }
}

run "the_edges_key_is_asked_for" {
  command = plan
  variables {
    edge_key = "0123456789abcdef"
  }
  assert {
    condition     = alltrue([for rule in aws_lb_listener_rule.public : length(rule.condition) == 2])
    error_message = "a rule forwards without the key"
  }
}

run "the_cdn_is_gone" {
  command = plan
  variables {
    edge_key    = "0123456789abcdef"
    direct_open = true
  }
  assert {
    condition = alltrue([
      length(aws_vpc_security_group_ingress_rule.open) == 1,
      alltrue([for rule in aws_lb_listener_rule.public : length(rule.condition) == 1]),
    ])
    error_message = "customers come in without the edge's key"
  }
}

run "operators_are_never_the_whole_internet" {
  command = plan
  variables {
    operators                = true
    operator_certificate_arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000002"
    operator_cidrs           = ["0.0.0.0/0"]
  }
  expect_failures = [aws_lb.operators]
}

run "readiness_is_asked_on_the_operators_port" {
  command = plan
  assert {
    condition = alltrue([
      for group in aws_lb_target_group.public :
      group.health_check[0].port == "8081" && group.health_check[0].path == "/readyz"
    ])
    error_message = "/readyz is on 8081"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
