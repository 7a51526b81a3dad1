mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name           = "house-malta"
  region         = "eu-south-1"
  account_id     = "111122223333"
  hostname       = "www.example.com"
  zone_id        = "Z0000000000000"
  image          = "https://releases.example.com/overround-edge-0.9.0.tar"
  image_sum      = "0000000000000000000000000000000000000000000000000000000000000001"
  acme_email     = "o'ps@example.com"
  secret_arn     = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/edge-AbCdEf"
  secret_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  policy = {
    hostnames = { public = "www.example.com" }
    origins   = [{ name = "main", host = "origin.example.com", port = 8443 }]
    node      = { cache_mb = 512, port = 1 }
  }
}

run "only_customers_come_in" {
  command = plan
  assert {
    condition = toset([
      for rule in aws_vpc_security_group_ingress_rule.customers : rule.from_port
    ]) == toset([80, 443])
    error_message = "another port is open"
  }
  assert {
    condition     = contains(keys(aws_vpc_security_group_egress_rule.out), "8443")
    error_message = "the node cannot reach its origin"
  }
}

run "the_nearest_node_that_is_well" {
  command = plan
  assert {
    condition = alltrue([
      aws_route53_record.this["www.example.com"].latency_routing_policy[0].region == "eu-south-1",
      aws_route53_record.this["www.example.com"].set_identifier == "house-malta",
      aws_route53_health_check.this.resource_path == "/edge/health",
      aws_route53_health_check.this.fqdn != "www.example.com",
    ])
    error_message = "customers are not led to the nearest node"
  }
}

run "a_node_that_leaves_has_no_name" {
  command = plan
  variables {
    leaving = true
  }
  assert {
    condition     = length(aws_route53_record.this) == 0
    error_message = "customers are led to a node that leaves"
  }
}

run "the_machine_knows_what_it_is_made_of" {
  command = plan
  assert {
    condition = alltrue([
      startswith(output.user_data, "#cloud-config\n"),
      !strcontains(output.user_data, "$${"),
      can(yamldecode(output.user_data)),
    ])
    error_message = "the user data is not filled in"
  }
  assert {
    condition = jsondecode(base64decode([
      for file in yamldecode(output.user_data).write_files :
      file.content if file.path == "/etc/overround/edge.yaml"
      ][0])).node == {
      listen      = "0.0.0.0"
      port        = 443
      certificate = "/run/overround-edge/tls.pem"
      run         = "/run/overround-edge"
      cache       = "/var/cache/overround-edge"
      cache_mb    = 512
    }
    error_message = "the policy's node is not the machine's"
  }
  assert {
    condition = strcontains(base64decode([
      for file in yamldecode(output.user_data).write_files :
      file.content if file.path == "/etc/overround/edge.conf"
    ][0]), "EMAIL='o'\\''ps@example.com'\nIMAGE=")
    error_message = "the shell cannot read it"
  }
  assert {
    condition     = length(base64gzip(output.user_data)) < 16384
    error_message = "user data is at most 16 KiB"
  }
}

run "a_sum_that_is_none_is_refused" {
  command = plan
  variables {
    image_sum = "latest"
  }
  expect_failures = [var.image_sum]
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
