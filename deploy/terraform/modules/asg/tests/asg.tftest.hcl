mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name           = "house-bets"
  roles          = "bets"
  region         = "eu-central-1"
  account_id     = "111122223333"
  image          = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/overround:0.9.0"
  repository_arn = "arn:aws:ecr:eu-central-1:111122223333:repository/overround"
  vpc_id         = "vpc-00000000000000001"
  subnets        = ["subnet-00000000000000011", "subnet-00000000000000012"]
  key_arns = [
    "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001",
  ]
}

run "an_instance_drains_before_it_goes" {
  command = plan
  assert {
    condition = alltrue([
      one(
        aws_autoscaling_group.this.initial_lifecycle_hook
      ).lifecycle_transition == "autoscaling:EC2_INSTANCE_TERMINATING",
      one(aws_autoscaling_group.this.initial_lifecycle_hook).heartbeat_timeout == 105,
    ])
    error_message = "an instance ends with its requests in flight"
  }
  assert {
    condition     = aws_autoscaling_group.this.instance_refresh[0].preferences[0].min_healthy_percentage == 100
    error_message = "a release takes instances away before new ones serve"
  }
}

run "a_long_drain_is_not_cut" {
  command = plan
  variables {
    drain_s  = 300
    settings = { drain-s = "280" }
  }
  assert {
    condition = alltrue([
      strcontains(output.user_data, "DRAIN_S='300'"),
      strcontains(output.user_data, "podman stop --time 300 overround"),
      strcontains(output.user_data, "TimeoutStopSec=320"),
      one(aws_autoscaling_group.this.initial_lifecycle_hook).heartbeat_timeout == 360,
    ])
    error_message = "something ends the process before it has drained"
  }
}

run "a_process_that_drains_for_longer_is_refused" {
  command = plan
  variables {
    settings = { drain-s = "45" }
  }
  expect_failures = [aws_autoscaling_group.this]
}

run "a_long_drain_on_spot_is_refused" {
  command = plan
  variables {
    spot    = true
    drain_s = 120
  }
  expect_failures = [aws_autoscaling_group.this]
}

run "the_archive_runs_with_the_instances_own_keys" {
  command = plan
  variables {
    archive = {
      to         = "s3://house-books/overround"
      bucket_arn = "arn:aws:s3:::house-books"
      key_arn    = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000002"
    }
  }
  assert {
    condition = alltrue([
      strcontains(output.user_data, "archive --to s3://house-books/overround"),
      strcontains(output.user_data, "AWS_REGION=eu-central-1"),
      strcontains(output.user_data, "overround-archive.timer"),
      !strcontains(output.user_data, "AWS_ACCESS_KEY_ID"),
      strcontains(aws_iam_role_policy.this.policy, "arn:aws:s3:::house-books/*"),
      !strcontains(aws_iam_role_policy.this.policy, "s3:DeleteObject"),
    ])
    error_message = "nobody archives, or by a key that is written down"
  }
}

run "no_archive_no_right_to_it" {
  command = plan
  assert {
    condition = alltrue([
      !strcontains(output.user_data, "overround-archive"),
      !strcontains(aws_iam_role_policy.this.policy, "s3:"),
    ])
    error_message = "a group may write where it has nothing to do"
  }
}

run "money_is_not_on_spot" {
  command = plan
  variables {
    warm = 2
  }
  assert {
    condition = alltrue([
      length(aws_autoscaling_group.this.mixed_instances_policy) == 0,
      aws_autoscaling_group.this.warm_pool[0].min_size == 2,
    ])
    error_message = "on demand, with a warm pool"
  }
}

run "pages_are" {
  command = plan
  variables {
    spot           = true
    instance_types = ["m7a.large", "m6a.large", "m7i.large"]
  }
  assert {
    condition = alltrue([
      aws_autoscaling_group.this.capacity_rebalance,
      length(aws_autoscaling_group.this.mixed_instances_policy[0].launch_template[0].override) == 3,
    ])
    error_message = "spot of several kinds"
  }
}

run "a_warm_pool_of_spot_is_refused" {
  command = plan
  variables {
    spot = true
    warm = 1
  }
  expect_failures = [aws_autoscaling_group.this]
}

run "cloud_init_has_settings_and_no_secret" {
  command = plan
  variables {
    settings = { proxies = "2" }
    secrets = {
      store = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:house/store-AbCdEf"
    }
  }
  assert {
    condition = alltrue([
      strcontains(output.user_data, "SETTING_PROXIES='2'"),
      strcontains(output.user_data, "SECRET_STORE='arn:aws:secretsmanager"),
    ])
    error_message = "the instance does not know its settings"
  }
  assert {
    condition     = length(base64gzip(output.user_data)) < 16384
    error_message = "user data is at most 16 KiB"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
