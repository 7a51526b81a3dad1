# Written by `overround edge --for fastly` from edge.yaml and src/tbl/routes.h;
# change those, not this.  Proven: not run; tests/edge/fastly_test.js reads it.

backend F_main {
  .host = "origin.example.com";
  .port = "443";
  .ssl = true;
  .ssl_check_cert = always;
  .min_tls_version = "1.2";
  .ssl_cert_hostname = "origin.example.com";
  .ssl_sni_hostname = "origin.example.com";
  .connect_timeout = 1s;
  .first_byte_timeout = 75s;
  .between_bytes_timeout = 10s;
  .max_connections = 1000;
}
backend F_trial {
  .host = "trial.example.com";
  .port = "443";
  .ssl = true;
  .ssl_check_cert = always;
  .min_tls_version = "1.2";
  .ssl_cert_hostname = "trial.example.com";
  .ssl_sni_hostname = "trial.example.com";
  .connect_timeout = 1s;
  .first_byte_timeout = 75s;
  .between_bytes_timeout = 10s;
  .max_connections = 1000;
}
director D_stable random {
  .retries = 2;
  { .backend = F_main; .weight = 1; }
}
director D_canary random {
  .retries = 2;
  { .backend = F_trial; .weight = 1; }
}

sub overround_release {
  set req.http.X-O-Release = "stable";
}

sub overround_backend {
  set req.backend = D_stable;
  if (req.http.X-O-Release == "canary") {
    set req.backend = D_canary;
  }
}

sub overround_route {
  if (req.url.path ~ "^/v1/accounts$") {
    set req.http.X-O-Allow = "POST";
    if (req.method == "POST") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "login";
    }
  } else if (req.url.path ~ "^/v1/sessions$") {
    set req.http.X-O-Allow = "POST, GET, DELETE";
    if (req.method == "POST") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "login";
      set req.http.X-O-Abroad = "1";
    }
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
    if (req.method == "DELETE") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "money";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/limits$") {
    set req.http.X-O-Allow = "GET, PUT";
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
    if (req.method == "PUT") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "money";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/exclusion$") {
    set req.http.X-O-Allow = "PUT";
    if (req.method == "PUT") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "money";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/wallet$") {
    set req.http.X-O-Allow = "GET";
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/wallet/deposits$") {
    set req.http.X-O-Allow = "POST";
    if (req.method == "POST") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "money";
    }
  } else if (req.url.path ~ "^/v1/wallet/withdrawals$") {
    set req.http.X-O-Allow = "POST";
    if (req.method == "POST") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "money";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/wallet/transfers$") {
    set req.http.X-O-Allow = "GET";
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/bets$") {
    set req.http.X-O-Allow = "POST, GET";
    if (req.method == "POST") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "money";
    }
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/sports$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "SNAPSHOT";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
    }
  } else if (req.url.path ~ "^/v1/events$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.sort(querystring.filter_except(req.url,
      "after" querystring.filtersep() "limit" querystring.filtersep() "sport" querystring.filtersep() "state"));
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "SNAPSHOT";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
    }
  } else if (req.url.path ~ "^/v1/stream$") {
    set req.http.X-O-Allow = "GET";
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "STREAM";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "stream";
    }
  } else if (req.url.path ~ "^/$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "PAGE";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
    }
  } else if (req.url.path ~ "^/bets$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "PAGE";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/wallet$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "PAGE";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/account$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "PAGE";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/bets/[^/]+/cashout$") {
    set req.http.X-O-Allow = "POST";
    if (req.method == "POST") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "65536";
      set req.http.X-O-Rate = "money";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/bets/[^/]+$") {
    set req.http.X-O-Allow = "GET";
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "NEVER";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  } else if (req.url.path ~ "^/v1/events/[^/]+$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "SNAPSHOT";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
    }
  } else if (req.url.path ~ "^/v1/events/[^/]+/stream$") {
    set req.http.X-O-Allow = "GET";
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "STREAM";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "stream";
    }
  } else if (req.url.path ~ "^/event/[^/]+$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "PAGE";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
    }
  } else if (req.url.path ~ "^/assets/[^/]+$") {
    set req.http.X-O-Allow = "GET";
    set req.url = querystring.remove(req.url);
    if (req.method == "GET" || req.method == "HEAD") {
      set req.http.X-O-Caching = "ASSET";
      set req.http.X-O-Body = "0";
      set req.http.X-O-Rate = "read";
      set req.http.X-O-Abroad = "1";
    }
  }
}

# src/tbl/caching.h
sub overround_keep {
  if (req.http.X-O-Caching == "SNAPSHOT") {
    set beresp.ttl = 1s;
    set beresp.stale_while_revalidate = 1s;
    set beresp.stale_if_error = 30s;
  }
  if (req.http.X-O-Caching == "PAGE") {
    set beresp.ttl = 10s;
    set beresp.stale_while_revalidate = 60s;
    set beresp.stale_if_error = 3600s;
  }
  if (req.http.X-O-Caching == "ASSET") {
    set beresp.ttl = 31536000s;
    set beresp.stale_while_revalidate = 0s;
    set beresp.stale_if_error = 0s;
  }
}

sub overround_bots {
  if (!req.http.User-Agent) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)sqlmap"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)nikto"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)nmap"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)masscan"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)zgrab"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)nuclei"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)dirbuster"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)gobuster"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)hydra"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)scrapy"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)python-requests"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)libwww-perl"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)AhrefsBot"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)SemrushBot"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)MJ12bot"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)DotBot"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)PetalBot"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)Bytespider"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)GPTBot"}) {
    error 603 "Forbidden";
  }
  if (req.http.User-Agent ~ {"(?i)CCBot"}) {
    error 603 "Forbidden";
  }
}

table overround_countries BOOL {
  "XX": true,
  "US": true,
  "PR": true,
  "GU": true,
  "VI": true,
  "AS": true,
  "MP": true,
  "FR": true,
  "IT": true,
  "ES": true,
  "DE": true,
  "NL": true,
  "BE": true,
  "DK": true,
  "SE": true,
  "NO": true,
  "PL": true,
  "PT": true,
  "RO": true,
  "GR": true,
  "CZ": true,
  "CH": true,
  "AU": true,
  "SG": true,
  "CU": true,
  "IR": true,
  "KP": true,
  "SY": true,
  "MT": false,
  "IE": false,
  "AT": false,
  "FI": false,
  "IS": false,
  "LU": false,
  "LV": false,
  "NZ": false,
  "GB": false,
  "GI": false,
  "IM": false,
  "JE": false,
  "GG": false,
}

sub overround_refuses {
  if (!req.http.X-O-Abroad &&
      table.lookup_bool(overround_countries, req.http.X-O-Country, true)) {
    error 651 "Unavailable For Legal Reasons";
  }
}

ratecounter rc_login_address { }
ratecounter rc_login_network { }
ratecounter rc_money_address { }
ratecounter rc_money_network { }
ratecounter rc_read_address { }
ratecounter rc_read_network { }
ratecounter rc_stream_address { }
ratecounter rc_stream_network { }
ratecounter rc_stuffing { }
penaltybox pb_stuffing { }

sub overround_rates {
  declare local var.n INTEGER;
  declare local var.network STRING;
  set var.network = regsub(client.ip, "^(([0-9]+\.){3}).*$", "\1");
  if (var.network ~ ":") {
    set var.network = regsub(client.ip, "^(([0-9a-f]*:){3}).*$", "\1");
  }
  if (req.http.X-O-Rate == "login" &&
      ratelimit.penaltybox_has(pb_stuffing, client.ip)) {
    error 629 "Too Many Requests";
  }
  if (req.http.X-O-Rate == "login") {
    set var.n = ratelimit.ratecounter_increment(rc_login_address, client.ip, 1);
    if (ratecounter.rc_login_address.bucket.60s > 30 ||
        ratecounter.rc_login_address.bucket.10s > 15) {
      error 629 "Too Many Requests";
    }
    set var.n = ratelimit.ratecounter_increment(rc_login_network, var.network, 1);
    if (ratecounter.rc_login_network.bucket.60s > 300 ||
        ratecounter.rc_login_network.bucket.10s > 150) {
      error 629 "Too Many Requests";
    }
  }
  if (req.http.X-O-Rate == "money") {
    set var.n = ratelimit.ratecounter_increment(rc_money_address, client.ip, 1);
    if (ratecounter.rc_money_address.bucket.60s > 600 ||
        ratecounter.rc_money_address.bucket.10s > 160) {
      error 629 "Too Many Requests";
    }
    set var.n = ratelimit.ratecounter_increment(rc_money_network, var.network, 1);
    if (ratecounter.rc_money_network.bucket.60s > 6000 ||
        ratecounter.rc_money_network.bucket.10s > 1600) {
      error 629 "Too Many Requests";
    }
  }
  if (req.http.X-O-Rate == "read") {
    set var.n = ratelimit.ratecounter_increment(rc_read_address, client.ip, 1);
    if (ratecounter.rc_read_address.bucket.60s > 3000 ||
        ratecounter.rc_read_address.bucket.10s > 800) {
      error 629 "Too Many Requests";
    }
    set var.n = ratelimit.ratecounter_increment(rc_read_network, var.network, 1);
    if (ratecounter.rc_read_network.bucket.60s > 60000 ||
        ratecounter.rc_read_network.bucket.10s > 13000) {
      error 629 "Too Many Requests";
    }
  }
  if (req.http.X-O-Rate == "stream") {
    set var.n = ratelimit.ratecounter_increment(rc_stream_address, client.ip, 1);
    if (ratecounter.rc_stream_address.bucket.60s > 120 ||
        ratecounter.rc_stream_address.bucket.10s > 60) {
      error 629 "Too Many Requests";
    }
    set var.n = ratelimit.ratecounter_increment(rc_stream_network, var.network, 1);
    if (ratecounter.rc_stream_network.bucket.60s > 2400 ||
        ratecounter.rc_stream_network.bucket.10s > 800) {
      error 629 "Too Many Requests";
    }
  }
}

sub overround_stuffing {
  declare local var.n INTEGER;
  if (resp.status == 401 && req.method == "POST" && req.url.path == "/v1/sessions") {
    set var.n = ratelimit.ratecounter_increment(rc_stuffing, client.ip, 1);
    if (ratecounter.rc_stuffing.bucket.60s > 2) {
      ratelimit.penaltybox_add(pb_stuffing, client.ip, 30m);
    }
  }
}

sub overround_problem {
  if (obj.status == 603) {
    set obj.status = 403;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    synthetic {json"{"type":"https://overround.dev/problems/client_refused","title":"This program is refused","status":403,"code":"client_refused"}"json};
  }
  if (obj.status == 604) {
    set obj.status = 404;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    synthetic {json"{"type":"https://overround.dev/problems/not_found","title":"There is no such thing","status":404,"code":"not_found"}"json};
  }
  if (obj.status == 605) {
    set obj.status = 405;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    set obj.http.Allow = req.http.X-O-Allow;
    synthetic {json"{"type":"https://overround.dev/problems/method_not_allowed","title":"The method is not allowed here","status":405,"code":"method_not_allowed"}"json};
  }
  if (obj.status == 613) {
    set obj.status = 413;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    synthetic {json"{"type":"https://overround.dev/problems/too_large","title":"The body is too large","status":413,"detail":"the request has a larger body than this call takes","code":"too_large"}"json};
  }
  if (obj.status == 629) {
    set obj.status = 429;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    set obj.http.Retry-After = "10";
    synthetic {json"{"type":"https://overround.dev/problems/too_many_requests","title":"Too many requests","status":429,"detail":"Wait as long as Retry-After says.","code":"too_many_requests"}"json};
  }
  if (obj.status == 651) {
    set obj.status = 451;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    synthetic {json"{"type":"https://overround.dev/problems/country_refused","title":"Not from this country","status":451,"code":"country_refused"}"json};
  }
  if (obj.status == 503) {
    set obj.status = 503;
    set obj.http.Content-Type = "application/problem+json";
    set obj.http.Cache-Control = "no-store";
    set obj.http.Retry-After = "1";
    synthetic {json"{"type":"https://overround.dev/problems/busy","title":"Not now; try again with the same key","status":503,"detail":"no process could answer; what became of it is told to the same key","code":"busy"}"json};
  }
}

sub overround_answer {
  set resp.http.Strict-Transport-Security = "max-age=31536000";
  if (req.http.X-O-New) {
    add resp.http.Set-Cookie = "release=" req.http.X-O-Release
      "; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax";
  }
}


# ---- who, and to which release -----------------------------------------------------

sub overround_country {
  set req.http.X-O-Country = "XX";
  if (client.geo.country_code ~ "^[A-Z][A-Z]$") {
    set req.http.X-O-Country = client.geo.country_code;
  }
}

# docs/EDGE.md, "The country".  The secret is in the private dictionary
# overround_secrets; without it the server takes no bets and no registrations.
sub overround_sign {
  declare local var.said STRING;
  declare local var.secret STRING;
  set var.secret = table.lookup(overround_secrets, "OVERROUND_EDGE_SECRET", "");
  unset req.http.X-Edge-Country;
  if (var.secret != "") {
    set var.said = req.http.X-O-Country "|" client.ip "|" now.sec;
    set req.http.X-Edge-Country = req.http.X-O-Country ";t=" now.sec ";sig="
      regsub(digest.hmac_sha256(var.secret, var.said), "^0x", "");
  }
}

# Headers by which a request tells another path, method or host than its own, or
# claims what only an edge may say.
sub overround_forged {
  unset req.http.X-HTTP-Method-Override;
  unset req.http.X-HTTP-Method;
  unset req.http.X-Method-Override;
  unset req.http.X-Original-URL;
  unset req.http.X-Rewrite-URL;
  unset req.http.X-Forwarded-Host;
  unset req.http.X-Forwarded-Port;
  unset req.http.X-Forwarded-Prefix;
  unset req.http.Forwarded;
  unset req.http.X-Host;
  unset req.http.X-Overround-Country;
  unset req.http.X-O-Allow;
  unset req.http.X-O-Caching;
  unset req.http.X-O-Abroad;
  unset req.http.X-O-Body;
  unset req.http.X-O-Rate;
  unset req.http.X-O-Country;
  unset req.http.X-O-Release;
  unset req.http.X-O-New;
}

sub vcl_recv {
  if (req.restarts == 0 && fastly.ff.visits_this_service == 0) {
    call overround_forged;
  }
#FASTLY recv
  if (req.method == "FASTLYPURGE") {
    set req.http.Fastly-Purge-Requires-Auth = "1";
    return(lookup);
  }
  if (req.restarts == 0 && fastly.ff.visits_this_service == 0) {
    call overround_bots;
    # A dot, slash, backslash, percent, question mark, hash, semicolon or control
    # character in disguise; two slashes; a segment of dots.
    if (req.url.path ~ {"(?i)[^!-~]|\\|;|//|/\.{1,2}(/|$)|%(?![0-9a-f]{2})"} ||
        req.url.path ~ {"(?i)%(2e|2f|5c|25|3f|23|3b|7f|[01])"}) {
      error 604 "Not Found";
    }
    set req.url = regsuball(req.url, {"%3[aA]"}, ":"); # as ids have it: one key for both
    call overround_route;
    if (!req.http.X-O-Allow) {
      error 604 "Not Found";
    }
    if (!req.http.X-O-Caching) {
      error 605 "Method Not Allowed";
    }
    if (req.http.Transfer-Encoding ||
        std.atoi(req.http.Content-Length) > std.atoi(req.http.X-O-Body)) {
      error 613 "Content Too Large";
    }
    call overround_country;
    call overround_refuses;
    call overround_rates;
    set req.http.X-Forwarded-For = client.ip;
    call overround_release;
    call overround_sign;
  }
  call overround_backend;
  if (req.http.X-O-Caching == "STREAM" && req.http.Upgrade ~ "(?i)^websocket$") {
    return(upgrade);
  }
  if (req.http.X-O-Caching == "NEVER" || req.http.X-O-Caching == "STREAM") {
    return(pass);
  }
  unset req.http.Cookie;
  unset req.http.Authorization;
  unset req.http.X-Edge-Country;
  return(lookup);
}

sub vcl_hash {
  set req.hash += req.url;
  set req.hash += req.http.host;
  set req.hash += req.http.X-O-Release;
#FASTLY hash
  return(hash);
}

sub vcl_hit {
#FASTLY hit
  return(deliver);
}

sub vcl_miss {
#FASTLY miss
  return(fetch);
}

sub vcl_pass {
#FASTLY pass
  return(pass);
}

sub vcl_fetch {
#FASTLY fetch
  if (beresp.status >= 500 && beresp.status < 600 && stale.exists) {
    return(deliver_stale);
  }
  set beresp.do_stream = (req.http.X-O-Caching == "STREAM");
  if (beresp.status != 200 || beresp.http.Set-Cookie ||
      beresp.http.Cache-Control !~ "(^|[ ,])public([ ,]|$)") {
    set beresp.ttl = 0s;
    return(pass);
  }
  call overround_keep;
  return(deliver);
}

sub vcl_error {
#FASTLY error
  if (obj.status >= 500 && obj.status < 600 && stale.exists) {
    return(deliver_stale);
  }
  call overround_problem;
  return(deliver);
}

sub vcl_deliver {
  call overround_stuffing;
#FASTLY deliver
  if (fastly.ff.visits_this_service == 0) {
    call overround_answer;
    unset resp.http.Surrogate-Key;
    unset resp.http.Cache-Tag;
    unset resp.http.Via;
    unset resp.http.X-Served-By;
    unset resp.http.X-Cache;
    unset resp.http.X-Cache-Hits;
    unset resp.http.X-Timer;
  }
  return(deliver);
}

sub vcl_log {
#FASTLY log
}
