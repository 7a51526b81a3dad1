mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "house"
  vpc_id      = "vpc-00000000000000001"
  vpc_cidr    = "10.20.0.0/16"
  subnet      = "subnet-00000000000000011"
  zone        = "eu-central-1a"
  clients     = { processes = "sg-00000000000000001" }
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "a_server_of_our_own" {
  command = plan
  assert {
    condition = alltrue([
      aws_ebs_volume.data[0].encrypted,
      aws_instance.this[0].associate_public_ip_address == false,
      length(aws_vpc_endpoint.cloud) == 0,
    ])
    error_message = "an encrypted disk, no public address, no PrivateLink"
  }
}

run "or_clickhouses_cloud" {
  command = plan
  variables {
    kind         = "cloud"
    service_name = "com.amazonaws.vpce.eu-central-1.vpce-svc-00000000000000001"
  }
  assert {
    condition     = length(aws_instance.this) == 0 && length(aws_vpc_endpoint.cloud) == 1
    error_message = "a PrivateLink and no server"
  }
}

run "the_cloud_has_a_service" {
  command = plan
  variables {
    kind = "cloud"
  }
  expect_failures = [aws_security_group.this]
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
