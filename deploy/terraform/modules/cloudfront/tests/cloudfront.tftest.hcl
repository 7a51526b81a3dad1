mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name            = "house"
  aliases         = ["bets.example"]
  certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000001"
  origin          = "origin.bets.example"
}

# One run, for the firewall's schema takes seconds of each.
run "money_is_never_kept_and_always_within_reach" {
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

run "values_of_the_edges_policy" {
  command = plan
  variables {
    countries = { allowed = ["MT", "IE"], refused = [] }
    rates = [
      { name = "login", limit = 150, paths = ["/v1/sessions"], methods = ["POST"] },
      { name = "all", limit = 100, paths = [] },
    ]
    agents        = ["SqlMap", "a.b+c"]
    function_code = "function handler(event) { return event.request; }"
    policy = {
      CachePolicies = [
        {
          Name    = "overround-list"
          Comment = "lists"
          MaxTTL  = 31
          ParametersInCacheKeyAndForwardedToOrigin = {
            HeadersConfig = {
              HeaderBehavior = "whitelist"
              Headers        = { Items = ["x-overround-release"] }
            }
            QueryStringsConfig = {
              QueryStringBehavior = "whitelist"
              QueryStrings        = { Items = ["sport"] }
            }
          }
        },
        { Name = "overround-never", Comment = "kept nowhere", MaxTTL = 0 },
      ]
      DistributionConfig = { CacheBehaviors = { Items = [
        {
          PathPattern    = "/v1/events"
          CachePolicyId  = "overround-list"
          AllowedMethods = { Items = ["GET", "HEAD"] }
        },
        {
          PathPattern    = "/v1/bets"
          CachePolicyId  = "overround-never"
          AllowedMethods = { Items = ["GET", "POST"] }
        },
      ] } }
    }
  }
  assert {
    condition     = keys(aws_cloudfront_cache_policy.this) == ["overround-list"]
    error_message = "what is kept nowhere needs no policy of ours"
  }
  assert {
    condition = alltrue([
      [
        for b in aws_cloudfront_distribution.this.ordered_cache_behavior :
        b.path_pattern
      ] == ["/v1/events", "/v1/bets"],
      aws_cloudfront_distribution.this.ordered_cache_behavior[1].cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
      length(aws_cloudfront_distribution.this.ordered_cache_behavior[1].allowed_methods) == 7,
    ])
    error_message = "the order, what is kept, and who may write are the file's"
  }
  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this.rule :
      rule.statement[0].regex_match_statement[0].regex_string
      if rule.name == "bots"
    ]) == "sqlmap|a\\.b\\+c"
    error_message = "bots are refused by the words as they are"
  }
  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this.rule :
      [
        for part in rule.statement[0].rate_based_statement[0].scope_down_statement[0].and_statement[0].statement :
        part.regex_match_statement[0].regex_string
      ] == ["^(/v1/sessions)(/|$)", "^(POST)$"]
      if rule.name == "rate-login"
    ])
    error_message = "a rate counts its paths and methods alone"
  }
  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this.rule :
      length(rule.statement[0].rate_based_statement[0].scope_down_statement)
      if rule.name == "rate-all"
    ]) == 0
    error_message = "without paths every request counts"
  }
  assert {
    condition     = aws_cloudfront_function.this[0].publish && length(local.functions) == 2
    error_message = "the function sees requests and answers"
  }
}

run "the_example_plans" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
