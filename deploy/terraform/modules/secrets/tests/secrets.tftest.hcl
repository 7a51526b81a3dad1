mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "house"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "kafkas_secret_has_the_name_that_msk_wants" {
  command = plan
  variables {
    secrets = { bus = { description = "SCRAM", kafka = true } }
  }
  assert {
    condition     = aws_secretsmanager_secret.this["bus"].name == "AmazonMSK_house-bus"
    error_message = "MSK takes only names that begin with AmazonMSK_"
  }
  assert {
    condition     = length(aws_secretsmanager_secret_rotation.this) == 0
    error_message = "nothing rotates unless it is asked for"
  }
}

run "who_rotates_must_be_named" {
  command = plan
  variables {
    secrets = { store = { description = "URL", rotate_days = 30 } }
  }
  expect_failures = [aws_secretsmanager_secret.this]
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
