mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name          = "house"
  monthly_usd   = 3000
  topic_arn     = "arn:aws:sns:eu-central-1:111122223333:house-tickets"
  anomaly_email = "operators@bets.example"
}

run "told_before_it_is_spent" {
  command = plan
  assert {
    condition = {
      for n in aws_budgets_budget.month.notification :
      n.notification_type => n.threshold
    } == { ACTUAL = 80, FORECASTED = 100 }
    error_message = "at 80 % spent and 100 % forecast"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
