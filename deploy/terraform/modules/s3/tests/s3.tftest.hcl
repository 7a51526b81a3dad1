mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name       = "house-books"
  account_id = "111122223333"
}

run "the_regulators_five_years" {
  command = plan
  variables {
    lock_years      = 5
    deep_after_days = 180
    kms_key_arn     = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  }
  assert {
    condition     = aws_s3_bucket_object_lock_configuration.this[0].rule[0].default_retention[0].years == 5
    error_message = "objects are not locked for five years"
  }
  assert {
    condition = {
      for t in aws_s3_bucket_lifecycle_configuration.this.rule[1].transition :
      t.storage_class => t.days
    } == { GLACIER_IR = 30, DEEP_ARCHIVE = 180 }
    error_message = "after 30 days Glacier Instant, after 180 Deep Archive"
  }
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "no versions are kept"
  }
}

run "a_lock_outlives_an_expiry" {
  command = plan
  variables {
    lock_years        = 5
    expire_after_days = 400
  }
  expect_failures = [aws_s3_bucket.this]
}

run "deep_archive_within_the_90_days_that_instant_charges" {
  command = plan
  variables {
    deep_after_days = 60
  }
  expect_failures = [aws_s3_bucket.this]
}

run "load_balancers_cannot_use_our_key" {
  command = plan
  variables {
    logs_of_load_balancers = true
    kms_key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000001"
  }
  expect_failures = [aws_s3_bucket.this]
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
