mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "house"
  vpc_id      = "vpc-00000000000000001"
  subnets     = ["subnet-00000000000000021", "subnet-00000000000000022"]
  clients     = { processes = "sg-00000000000000001" }
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "what_is_answered_is_in_two_zones" {
  command = plan
  assert {
    condition = alltrue([
      aws_db_instance.this.multi_az,
      aws_db_instance.this.backup_retention_period == 35,
      aws_db_instance.this.deletion_protection,
    ])
    error_message = "a standby, 35 days of points in time, no deletion by mistake"
  }
  assert {
    condition = {
      for p in aws_db_parameter_group.this.parameter :
      p.name => p.value
    }["rds.force_ssl"] == "1"
    error_message = "passwords in plain sight"
  }
  assert {
    condition     = aws_db_instance.this.manage_master_user_password
    error_message = "the master's password would be in the state"
  }
}

run "readers_are_encrypted_too" {
  command = plan
  variables {
    readers = 2
  }
  assert {
    condition = alltrue([
      for reader in aws_db_instance.reader :
      reader.storage_encrypted && !reader.publicly_accessible
    ])
    error_message = "a reader is in the open"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
