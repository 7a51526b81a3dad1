mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name            = "house"
  aliases         = ["bets.example"]
  certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  origin          = "origin.bets.example"
}

run "money_is_never_kept" {
  command = plan
  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    error_message = "what nobody named is kept"
  }
  assert {
    condition = alltrue([
      for b in aws_cloudfront_distribution.this.ordered_cache_behavior :
      b.cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
      if can(regex("^/v1/(bets|wallet|accounts|sessions|limits|exclusion|stream)", b.path_pattern))
    ])
    error_message = "a customer's own data is kept at the edge"
  }
  assert {
    condition = alltrue([
      for cache in aws_cloudfront_cache_policy.this :
      cache.parameters_in_cache_key_and_forwarded_to_origin[0].cookies_config[0].cookie_behavior == "none"
    ])
    error_message = "what is kept depends on cookies"
  }
}

run "a_refused_country_still_reaches_its_money" {
  command = plan
  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this.rule :
      rule.action[0].block[0].custom_response[0].response_code
      if rule.name == "country"
    ]) == 451
    error_message = "451 says why"
  }
  assert {
    condition     = aws_cloudfront_distribution.this.restrictions[0].geo_restriction[0].restriction_type == "none"
    error_message = "CloudFront's own restriction would lock people out of their money"
  }
}

run "values_of_the_edges_policy" {
  command = plan
  variables {
    policy = {
      caches     = { events = { says = "events", max_s = 1, queries = ["sport"] } }
      behaviours = [{ path = "/v1/events*", methods = "read", cache = "events" }]
      allowed    = []
      refused    = ["US"]
      open_paths = ["/v1/sessions"]
      rates      = [{ name = "all", limit = 100, paths = [] }]
    }
  }
  assert {
    condition = alltrue([
      aws_cloudfront_cache_policy.this["events"].max_ttl == 1,
      length(aws_cloudfront_distribution.this.ordered_cache_behavior) == 1,
    ])
    error_message = "the policy is not what is written"
  }
}

run "tls_1_2_and_http_3" {
  command = plan
  assert {
    condition = alltrue([
      aws_cloudfront_distribution.this.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021",
      aws_cloudfront_distribution.this.http_version == "http2and3",
      one(
        aws_cloudfront_distribution.this.origin
      ).custom_origin_config[0].origin_protocol_policy == "https-only",
    ])
    error_message = "old TLS, or plain HTTP to the origin"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
