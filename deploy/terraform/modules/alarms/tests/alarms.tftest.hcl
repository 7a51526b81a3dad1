mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name        = "house"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  runbook     = "https://runbook.bets.example/OPERATE.md"
}

run "what_is_not_there_has_no_alarm" {
  command = plan
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "nothing was given, so nothing can alarm"
  }
}

run "each_alarm_ends_in_the_runbook" {
  command = plan
  variables {
    load_balancer = {
      suffix  = "app/house/0123456789abcdef"
      targets = { bets = "targetgroup/b/1", web = "targetgroup/w/2" }
    }
    database        = { id = "house", cluster = true, max_connections = 1000 }
    kafka           = { cluster = "house" }
    watch_edge      = true
    distribution_id = "E123"
    health_check_id = "abc"
  }
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      can(regex("OPERATE[.]md#[a-z]+$", alarm.alarm_description))
    ])
    error_message = "an alarm names no paragraph"
  }
  assert {
    condition = alltrue([
      aws_cloudwatch_metric_alarm.this["no-bets"].treat_missing_data == "breaching",
      aws_cloudwatch_metric_alarm.this["no-bets"].comparison_operator == "LessThanThreshold",
    ])
    error_message = "no data about healthy processes is no good news"
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["store-connections"].threshold == 900
    error_message = "nine tenths of the connections"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
