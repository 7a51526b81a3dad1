# What is kept, by path: from the file that `overround edge --for cloudfront` writes, in the
# shape of CloudFront's own API; without one, what is here.
locals {
  default_policy = {
    caches = {
      prices = {
        says    = "snapshots: the server's own s-maxage, a second, and stale for seconds"
        max_s   = 31
        queries = ["after", "limit", "sport", "state"]
        headers = []
      }
      assets = {
        says    = "files that are named after their content"
        max_s   = 31536000
        queries = []
        headers = []
      }
    }
    behaviours = [
      { path = "/assets/*", methods = "read", cache = "assets" },
      { path = "/v1/events/*/stream", methods = "all", cache = "" },
      { path = "/v1/events*", methods = "read", cache = "prices" },
      { path = "/v1/sports", methods = "read", cache = "prices" },
    ]
  }

  api_caches = {
    for policy in try(var.policy.CachePolicies, []) :
    policy.Name => {
      says  = policy.Comment
      max_s = policy.MaxTTL
      queries = try(
        policy.ParametersInCacheKeyAndForwardedToOrigin.QueryStringsConfig.QueryStrings.Items, []
      )
      headers = try(
        policy.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers.Items, []
      )
    }
    if policy.MaxTTL > 0
  }
  api_policy = {
    caches = local.api_caches
    behaviours = [
      for behaviour in try(var.policy.DistributionConfig.CacheBehaviors.Items, []) :
      {
        path    = behaviour.PathPattern
        methods = contains(behaviour.AllowedMethods.Items, "POST") ? "all" : "read"
        cache = contains(
          keys(local.api_caches),
          behaviour.CachePolicyId
        ) ? behaviour.CachePolicyId : ""
      }
    ]
  }
  # As text in between: the two have other types.
  policy = jsondecode(
    var.policy == null ? jsonencode(local.default_policy) : jsonencode(local.api_policy)
  )
}
