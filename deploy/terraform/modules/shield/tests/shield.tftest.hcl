mock_provider "aws" {
  source = "../../mocks"
}

variables {
  resources = { edge = "arn:aws:cloudfront::111122223333:distribution/E0000000000001" }
}

run "nobody_pays_by_mistake" {
  command = plan
  assert {
    condition     = length(aws_shield_protection.this) == 0
    error_message = "Shield Advanced is asked for, never a default"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
