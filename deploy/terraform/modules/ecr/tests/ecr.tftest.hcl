mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "overround"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "a_tag_stays_what_it_was" {
  command = plan
  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE"
    error_message = "a tag can be moved"
  }
  assert {
    condition     = length(aws_ecr_replication_configuration.this) == 0
    error_message = "no copy unless it is asked for"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
