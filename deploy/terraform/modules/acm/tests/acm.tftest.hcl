mock_provider "aws" {
  source = "../../mocks"
}

variables {
  domain  = "bets.example"
  names   = ["www.bets.example"]
  zone_id = "Z0000000000000"
}

override_resource {
  target          = aws_acm_certificate.this
  override_during = plan
  values = {
    arn = "arn:aws:acm:eu-central-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
    domain_validation_options = [
      {
        domain_name           = "bets.example"
        resource_record_name  = "_a.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_a.acm.example."
      },
      {
        domain_name           = "www.bets.example"
        resource_record_name  = "_b.bets.example."
        resource_record_type  = "CNAME"
        resource_record_value = "_b.acm.example."
      },
    ]
  }
}

run "every_name_is_proven" {
  command = plan
  assert {
    condition = alltrue([
      aws_route53_record.proof["www.bets.example"].name == "_b.bets.example.",
      length(aws_route53_record.proof) == 2,
    ])
    error_message = "each name has the record that its own proof asks for"
  }
}
