# Managed groups and rates before the cache.  CloudFront's firewall is in us-east-1.
locals {
  # The groups of AWS, and what in them would refuse the product's own calls: bodies up to
  # 64 KiB are ours to judge, and a password may look like anything.
  groups = {
    AWSManagedRulesAmazonIpReputationList = { priority = 20, count = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 21, count = [] }
    AWSManagedRulesCommonRuleSet = {
      priority = 22
      count    = ["SizeRestrictions_BODY", "NoUserAgent_HEADER", "CrossSiteScripting_BODY"]
    }
    AWSManagedRulesSQLiRuleSet = { priority = 23, count = ["SQLi_BODY"] }
  }
  agents = join("|", [
    for agent in var.agents : replace(lower(agent), "/([.+])/", "\\$1")
  ])
  by_country = length(var.countries.allowed) + length(var.countries.refused) > 0
  rates = {
    for i, rate in var.rates :
    rate.name => merge(rate, { priority = 30 + i })
  }
}

resource "aws_wafv2_web_acl" "this" {
  name        = var.name
  description = "before the edge's cache"
  scope       = "CLOUDFRONT"
  tags        = { Name = var.name }

  default_action {
    allow {}
  }

  custom_response_body {
    key          = "country"
    content_type = "APPLICATION_JSON"
    content = jsonencode({
      type   = "https://overround.dev/problems/country_refused"
      title  = "Not from here"
      status = 451
      detail = "betting is not offered where you are; your money stays within reach"
      code   = "country_refused"
    })
  }
  custom_response_body {
    key          = "rate"
    content_type = "APPLICATION_JSON"
    content = jsonencode({
      type   = "https://overround.dev/problems/too_many_requests"
      title  = "Too many requests"
      status = 429
      detail = "try again later"
      code   = "too_many_requests"
    })
  }

  # Refused countries; with a list of allowed ones, all others.  Not the paths by which
  # somebody reaches his money.
  dynamic "rule" {
    for_each = local.by_country ? [1] : []
    content {
      name     = "country"
      priority = 10
      action {
        block {
          custom_response {
            response_code            = 451
            custom_response_body_key = "country"
          }
        }
      }
      statement {
        and_statement {
          statement {
            dynamic "geo_match_statement" {
              for_each = length(var.countries.allowed) == 0 ? [1] : []
              content {
                country_codes = var.countries.refused
              }
            }
            dynamic "not_statement" {
              for_each = length(var.countries.allowed) > 0 ? [1] : []
              content {
                statement {
                  geo_match_statement {
                    country_codes = var.countries.allowed
                  }
                }
              }
            }
          }
          statement {
            not_statement {
              statement {
                regex_match_statement {
                  regex_string = "^(${join("|", var.open_paths)})(/|$)"
                  field_to_match {
                    uri_path {}
                  }
                  text_transformation {
                    priority = 0
                    type     = "NONE"
                  }
                }
              }
            }
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "country"
        sampled_requests_enabled   = true
      }
    }
  }

  dynamic "rule" {
    for_each = local.agents == "" ? [] : [1]
    content {
      name     = "bots"
      priority = 15
      action {
        block {}
      }
      statement {
        regex_match_statement {
          regex_string = local.agents
          field_to_match {
            single_header {
              name = "user-agent"
            }
          }
          text_transformation {
            priority = 0
            type     = "LOWERCASE"
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "bots"
        sampled_requests_enabled   = true
      }
    }
  }

  dynamic "rule" {
    for_each = local.groups
    content {
      name     = rule.key
      priority = rule.value.priority
      override_action {
        none {}
      }
      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key
          dynamic "rule_action_override" {
            for_each = rule.value.count
            content {
              name = rule_action_override.value
              action_to_use {
                count {}
              }
            }
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = true
      }
    }
  }

  # Requests of one address within five minutes.
  dynamic "rule" {
    for_each = local.rates
    content {
      name     = "rate-${rule.key}"
      priority = rule.value.priority
      action {
        block {
          custom_response {
            response_code            = 429
            custom_response_body_key = "rate"
            response_header {
              name  = "Retry-After"
              value = "60"
            }
          }
        }
      }
      statement {
        rate_based_statement {
          limit                 = rule.value.limit
          aggregate_key_type    = "IP"
          evaluation_window_sec = 300
          dynamic "scope_down_statement" {
            for_each = length(rule.value.paths) > 0 ? [rule.value] : []
            content {
              and_statement {
                statement {
                  regex_match_statement {
                    regex_string = "^(${join("|", scope_down_statement.value.paths)})(/|$)"
                    field_to_match {
                      uri_path {}
                    }
                    text_transformation {
                      priority = 0
                      type     = "NONE"
                    }
                  }
                }
                statement {
                  regex_match_statement {
                    regex_string = length(scope_down_statement.value.methods) == 0 ? "." : "^(${join("|", scope_down_statement.value.methods)})$"
                    field_to_match {
                      method {}
                    }
                    text_transformation {
                      priority = 0
                      type     = "NONE"
                    }
                  }
                }
              }
            }
          }
        }
      }
      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "rate-${rule.key}"
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

# The names of these groups must begin so.
resource "aws_cloudwatch_log_group" "waf" {
  count = var.log_refused ? 1 : 0

  name              = "aws-waf-logs-${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.logs_key_arn
}

# Refused requests alone, and no session token in any.
resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count = var.log_refused ? 1 : 0

  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.waf[0].arn]

  dynamic "redacted_fields" {
    for_each = toset(["authorization", "cookie"])
    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }
  logging_filter {
    default_behavior = "DROP"
    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"
      condition {
        action_condition {
          action = "BLOCK"
        }
      }
    }
  }
}
