mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "house"
  vpc_id      = "vpc-00000000000000001"
  subnets     = ["subnet-00000000000000021", "subnet-00000000000000022", "subnet-00000000000000023"]
  zones       = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  clients     = { processes = "sg-00000000000000001" }
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
}

run "who_takes_over_is_in_another_zone" {
  command = plan
  assert {
    condition = length(
      distinct([for instance in aws_rds_cluster_instance.this : instance.availability_zone])
    ) == 3
    error_message = "writer and readers share a zone"
  }
  assert {
    condition = alltrue([
      aws_rds_cluster.this.manage_master_user_password,
      aws_rds_cluster.this.storage_encrypted,
      aws_rds_cluster.this.deletion_protection,
    ])
    error_message = "no password in the state, encrypted, protected"
  }
}

run "a_global_database_bounds_what_a_region_may_lose" {
  command = plan
  variables {
    global_cluster  = "house-global"
    master_password = "not-a-secret-1"
    rpo_s           = 20
  }
  assert {
    condition = {
      for p in aws_rds_cluster_parameter_group.this.parameter :
      p.name => p.value
    }["rds.global_db_rpo"] == "20"
    error_message = "commits do not wait for a region that is behind"
  }
  assert {
    condition     = aws_rds_cluster.this.manage_master_user_password == null
    error_message = "RDS does not manage the password of a global database"
  }
}

run "a_secondary_has_no_master_of_its_own" {
  command = plan
  variables {
    global_cluster = "house-global"
    secondary      = true
    source_region  = "eu-central-1"
  }
  assert {
    condition     = aws_rds_cluster.this.source_region == "eu-central-1"
    error_message = "the secondary has what the first has"
  }
}

run "twenty_seconds_is_the_least" {
  command = plan
  variables {
    rpo_s = 5
  }
  expect_failures = [aws_rds_cluster_parameter_group.this]
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
