mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name   = "house"
  vpc_id = "vpc-00000000000000001"
  subnets = [
    "subnet-00000000000000021",
    "subnet-00000000000000022",
    "subnet-00000000000000023",
  ]
  clients      = { processes = "sg-00000000000000001" }
  kms_key_arn  = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  logs_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
}

run "a_record_is_on_two_brokers" {
  command = plan
  assert {
    condition = alltrue([
      strcontains(aws_msk_configuration.this.server_properties, "min.insync.replicas=2"),
      strcontains(
        aws_msk_configuration.this.server_properties,
        "unclean.leader.election.enable=false"
      ),
    ])
    error_message = "an acknowledged record can be lost with one broker"
  }
  assert {
    condition = alltrue([
      aws_msk_cluster.this.encryption_info[0].encryption_in_transit[0].client_broker == "TLS",
      aws_msk_cluster.this.client_authentication[0].unauthenticated == false,
    ])
    error_message = "anybody may read the topics"
  }
}

run "brokers_are_spread_evenly" {
  command = plan
  variables {
    brokers = 4
  }
  expect_failures = [aws_msk_cluster.this]
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
