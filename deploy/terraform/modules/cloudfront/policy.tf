# What holds where no policy file is given; the same as deploy/edge/edge.yaml begins with.
locals {
  default_policy = {
    caches = {
      prices = {
        says    = "snapshots of events: the server's own s-maxage, a second or two"
        max_s   = 2
        queries = ["sport", "state", "limit", "after"]
      }
      pages  = { says = "the pages", max_s = 60, queries = [] }
      assets = { says = "files named after their content", max_s = 31536000, queries = [] }
    }
    behaviours = [
      { path = "/assets/*", methods = "read", cache = "assets" },
      { path = "/v1/stream", methods = "read", cache = "" },
      { path = "/v1/events/*/stream", methods = "read", cache = "" },
      { path = "/v1/events*", methods = "read", cache = "prices" },
      { path = "/v1/sports*", methods = "read", cache = "prices" },
    ]
    allowed = []
    refused = ["CU", "IR", "KP", "SY"]
    # Who is refused may still log in, see his money, withdraw, limit and exclude himself.
    open_paths = ["/v1/sessions", "/v1/wallet", "/v1/limits", "/v1/exclusion"]
    rates = [
      { name = "log-in", limit = 150, paths = ["/v1/sessions", "/v1/accounts"] },
      { name = "money", limit = 3000, paths = ["/v1/bets", "/v1/wallet"] },
      { name = "all", limit = 15000, paths = [] },
    ]
  }
  policy = var.policy == null ? local.default_policy : var.policy
}
