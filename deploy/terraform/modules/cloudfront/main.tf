resource "aws_cloudfront_cache_policy" "this" {
  for_each = local.policy.caches

  name        = "${var.name}-${each.key}"
  comment     = each.value.says
  min_ttl     = 0
  default_ttl = 0
  max_ttl     = each.value.max_s

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = length(each.value.headers) > 0 ? "whitelist" : "none"
      dynamic "headers" {
        for_each = length(each.value.headers) > 0 ? [1] : []
        content {
          items = each.value.headers
        }
      }
    }
    query_strings_config {
      query_string_behavior = length(each.value.queries) > 0 ? "whitelist" : "none"
      dynamic "query_strings" {
        for_each = length(each.value.queries) > 0 ? [1] : []
        content {
          items = each.value.queries
        }
      }
    }
  }
}

# What the origin gets of requests that are not kept: all of it, and the country.
resource "aws_cloudfront_origin_request_policy" "all" {
  name    = "${var.name}-all"
  comment = "all that the customer sent, and where he is"

  cookies_config {
    cookie_behavior = "all"
  }
  headers_config {
    header_behavior = "allViewerAndWhitelistCloudFront"
    headers {
      items = ["CloudFront-Viewer-Country", "CloudFront-Viewer-Address"]
    }
  }
  query_strings_config {
    query_string_behavior = "all"
  }
}

# Of what is kept the origin learns the country, and of nobody in particular.
resource "aws_cloudfront_origin_request_policy" "kept" {
  name    = "${var.name}-kept"
  comment = "no cookie, no token"

  cookies_config {
    cookie_behavior = "none"
  }
  headers_config {
    header_behavior = "whitelist"
    headers {
      items = ["CloudFront-Viewer-Country"]
    }
  }
  query_strings_config {
    query_string_behavior = "none"
  }
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name    = "${var.name}-security"
  comment = "what the server does not say itself"

  # What caches are told is not for customers.
  remove_headers_config {
    dynamic "items" {
      for_each = toset(["Surrogate-Key", "Cache-Tag", "Server"])
      content {
        header = items.value
      }
    }
  }
  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = true
      override                   = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = false
    }
    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = false
    }
  }
}

# The secret by which the function signs the country; its value is put in by hand.
resource "aws_cloudfront_key_value_store" "this" {
  count = var.function_code == "" ? 0 : 1

  name    = "${var.name}-edge"
  comment = "secret"
}

resource "aws_cloudfront_function" "this" {
  count = var.function_code == "" ? 0 : 1

  name                         = "${var.name}-edge"
  comment                      = "paths, methods, countries, canary"
  runtime                      = "cloudfront-js-2.0"
  publish                      = true
  code                         = var.function_code
  key_value_store_associations = [aws_cloudfront_key_value_store.this[0].arn]
}

locals {
  methods = {
    read = ["GET", "HEAD"]
    all  = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
  }
  # AWS's own policy that keeps nothing.
  nothing = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  # The function sees requests before the cache, and answers on their way out.
  functions = {
    for event in ["viewer-request", "viewer-response"] :
    event => one(aws_cloudfront_function.this[*].arn)
    if var.function_code != ""
  }
}

resource "aws_cloudfront_distribution" "this" {
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  comment             = var.name
  aliases             = var.aliases
  price_class         = var.price_class
  web_acl_id          = aws_wafv2_web_acl.this.arn
  wait_for_deployment = false
  tags                = { Name = var.name, Edge = "true" }

  # "trial" is a release under trial; the function chooses it for its share of customers.
  # A header that begins with X-Edge- cannot be added.
  dynamic "origin" {
    for_each = merge({ main = var.origin }, var.trial_origin == "" ? {} : { trial = var.trial_origin })
    content {
      origin_id           = origin.key
      domain_name         = origin.value
      connection_attempts = 2
      connection_timeout  = 2

      custom_origin_config {
        http_port                = 80
        https_port               = 443
        origin_protocol_policy   = "https-only"
        origin_ssl_protocols     = ["TLSv1.2"]
        origin_read_timeout      = 60
        origin_keepalive_timeout = 60
      }
      dynamic "custom_header" {
        for_each = nonsensitive(var.origin_key != "") ? [1] : []
        content {
          name  = "X-Overround-Edge"
          value = var.origin_key
        }
      }
      dynamic "origin_shield" {
        for_each = var.origin_shield_region == null ? [] : [var.origin_shield_region]
        content {
          enabled              = true
          origin_shield_region = origin_shield.value
        }
      }
    }
  }

  # What no behaviour below names is passed on and never kept.
  default_cache_behavior {
    target_origin_id           = "main"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = local.methods["all"]
    cached_methods             = local.methods["read"]
    cache_policy_id            = local.nothing
    origin_request_policy_id   = aws_cloudfront_origin_request_policy.all.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = false

    dynamic "function_association" {
      for_each = local.functions
      content {
        event_type   = function_association.key
        function_arn = function_association.value
      }
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.policy.behaviours
    content {
      path_pattern           = ordered_cache_behavior.value.path
      target_origin_id       = "main"
      viewer_protocol_policy = "redirect-to-https"
      allowed_methods        = local.methods[ordered_cache_behavior.value.methods]
      cached_methods         = local.methods["read"]
      cache_policy_id = (
        ordered_cache_behavior.value.cache == "" ? local.nothing
        : aws_cloudfront_cache_policy.this[ordered_cache_behavior.value.cache].id
      )
      origin_request_policy_id = (
        ordered_cache_behavior.value.cache == ""
        ? aws_cloudfront_origin_request_policy.all.id
        : aws_cloudfront_origin_request_policy.kept.id
      )
      response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
      compress                   = ordered_cache_behavior.value.cache != ""

      dynamic "function_association" {
        for_each = local.functions
        content {
          event_type   = function_association.key
          function_arn = function_association.value
        }
      }
    }
  }

  # A mistake is told again at once, not kept.
  dynamic "custom_error_response" {
    for_each = toset([400, 403, 404, 405, 500, 502, 503, 504])
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = custom_error_response.value >= 500 ? 1 : 0
    }
  }

  # Countries are the firewall's: who is refused still reaches his money.
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}
