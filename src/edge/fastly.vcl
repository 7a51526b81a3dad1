
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
  set var.secret = table.lookup(overround_secrets, OVERROUND_SECRET_NAME, "");
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
