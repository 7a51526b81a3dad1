mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name       = "house"
  account_id = "111122223333"
  region     = "eu-central-1"
}

run "every_key_rotates" {
  command = plan
  assert {
    condition = alltrue([
      length(aws_kms_key.this) == 4,
      alltrue([for key in aws_kms_key.this : key.enable_key_rotation]),
    ])
    error_message = "a key does not rotate"
  }
}

run "logs_may_use_only_the_key_of_logs" {
  command = plan
  assert {
    condition = alltrue([
      strcontains(aws_kms_key.this["logs"].policy, "logs.eu-central-1.amazonaws.com"),
      !strcontains(aws_kms_key.this["archive"].policy, "logs.eu-central-1"),
    ])
    error_message = "the service of logs belongs to the key of logs alone"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
