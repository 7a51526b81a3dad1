vcl 4.1;
# Written by `overround edge --for varnish` from edge.yaml and src/tbl/routes.h;
# change those, not this.  Proven: run (tests/edge/varnish_test.js).
import directors;
import std;
import vsthrottle;

probe origin {
    .request = "GET /v1/sports HTTP/1.1" "Host: www.example.com"
        "User-Agent: overround-edge" "Connection: close";
    .interval = 2s;
    .timeout = 2s;
    .window = 5;
    .threshold = 3;
    .initial = 5;
}

backend o_main {
    .path = "/run/overround-edge/origin-main.sock"; # tls.cfg
    .probe = origin;
    .connect_timeout = 1s;
    .first_byte_timeout = 75s; # longer than a bet waits for a trader
    .between_bytes_timeout = 75s;
}

sub vcl_init {
    if (!std.getenv("OVERROUND_CDN_SECRET")) { # "": nobody says it
        return (fail("OVERROUND_CDN_SECRET is not set"));
    }
    new stable = directors.round_robin();
    stable.add_backend(o_main);
}

acl cdn {
    "192.0.2.0"/24;
    "2001:db8::"/32;
}

# Who asks, and from where.
sub edge_who {
    unset req.http.Edge-Client;
    unset req.http.Edge-Network;
    unset req.http.Edge-Country;
    unset req.http.Edge-Refused;
    unset req.http.Edge-Abroad;
    unset req.http.Edge-Path;
    unset req.http.Edge-Query;
    unset req.http.Edge-Kept;
    unset req.http.Edge-Caching;
    unset req.http.Edge-Rate;
    unset req.http.Edge-Body;
    unset req.http.Edge-Allow;
    unset req.http.Edge-Retry;
    unset req.http.Edge-Release;
    unset req.http.Edge-Stale;
    unset req.http.Edge-Bucket;
    unset req.http.Edge-Id;
    unset req.http.Forwarded;
    unset req.http.X-Forwarded-Host;
    unset req.http.X-Forwarded-Proto;
    unset req.http.X-Forwarded-Port;
    unset req.http.X-Forwarded-Prefix;
    unset req.http.X-Forwarded-Server;
    unset req.http.X-Host;
    unset req.http.X-Original-URL;
    unset req.http.X-Rewrite-URL;
    unset req.http.X-HTTP-Method-Override;
    unset req.http.X-HTTP-Method;
    unset req.http.X-Method-Override;
    unset req.http.X-Real-IP;
    unset req.http.Proxy;
    unset req.http.Surrogate-Capability;
    unset req.http.Range;
    unset req.http.If-Range;
    set req.http.Edge-Id = req.http.X-Request-Id;
    if (req.http.Edge-Id !~ "^[A-Za-z0-9._~:+/=@-]{1,64}$") {
        set req.http.Edge-Id = "edge-" + req.xid;
    }
    set req.http.X-Request-Id = req.http.Edge-Id;
    set req.http.Edge-Client = client.ip;
    set req.http.Edge-Country = "XX";
    if (client.ip ~ cdn) {
        # Its addresses are those of all its customers: ours says the secret.
        if (std.getenv("OVERROUND_CDN_SECRET") != "" &&
            req.http.X-Overround-Edge != std.getenv("OVERROUND_CDN_SECRET")) {
            return (synth(403));
        }
        # Varnish has put the peer's address behind what the peer wrote.
        if (req.http.X-Forwarded-For ~ ",") {
            set req.http.Edge-Client = regsub(req.http.X-Forwarded-For,
                "^(.*,)? *([0-9A-Fa-f:.]+) *,[^,]*$", "\2");
        }
        if (req.http.X-Edge-Country ~ "^[A-Z][A-Z];") {
            set req.http.Edge-Country = regsub(req.http.X-Edge-Country, ";.*$", "");
        }
    } else {
        unset req.http.X-Edge-Country;
        unset req.http.X-Overround-Country;
    }
    if (req.http.Edge-Client !~ "^[0-9A-Fa-f:.]+$") {
        set req.http.Edge-Client = client.ip;
    }
    unset req.http.X-Overround-Edge; # not for the origin
    set req.http.X-Forwarded-For = req.http.Edge-Client;
    set req.http.Edge-Network = regsub(regsub(req.http.Edge-Client,
        "^(([0-9]+\.?){3})[0-9.]*$", "\1"),
        "^(([0-9a-f]*:){3}).*$", "\1");
    if (req.http.Edge-Country !~ "^(MT|IE|AT|FI|IS|LU|LV|NZ|GB|GI|IM|JE|GG)$") {
        set req.http.Edge-Refused = "1";
    }
}

# Which route it is, and what that says.
sub edge_route {
    set req.url = regsub(req.url, "(?i)^https?://[^/?#]*", "");
    set req.url = regsub(req.url, "#.*$", "");
    set req.http.Edge-Path = regsub(req.url, "\?.*$", "");
    set req.http.Edge-Query = "";
    set req.http.Edge-Kept = "";
    if (req.url ~ "\?") {
        set req.http.Edge-Query = regsub(req.url, "^[^?]*\?", "&");
    }
    if (req.http.Edge-Path == "/v1/accounts") {
        if (req.method == "POST") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "login";
            set req.http.Edge-Body = "65536";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } else {
            set req.http.Edge-Allow = "POST";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/sessions") {
        if (req.method == "POST") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "login";
            set req.http.Edge-Body = "65536";
            set req.http.Edge-Abroad = "1";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } elsif (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } elsif (req.method == "DELETE") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "POST, GET, DELETE";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/limits") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } elsif (req.method == "PUT") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "65536";
            set req.http.Edge-Abroad = "1";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } else {
            set req.http.Edge-Allow = "GET, PUT";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/exclusion") {
        if (req.method == "PUT") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "65536";
            set req.http.Edge-Abroad = "1";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } else {
            set req.http.Edge-Allow = "PUT";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/wallet") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/wallet/deposits") {
        if (req.method == "POST") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "65536";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } else {
            set req.http.Edge-Allow = "POST";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/wallet/withdrawals") {
        if (req.method == "POST") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "65536";
            set req.http.Edge-Abroad = "1";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } else {
            set req.http.Edge-Allow = "POST";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/wallet/transfers") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
            if (req.http.Edge-Query ~ "&after=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&after=" +
                    regsub(req.http.Edge-Query, "^.*?&after=([^&]*).*$", "\1");
            }
            if (req.http.Edge-Query ~ "&limit=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&limit=" +
                    regsub(req.http.Edge-Query, "^.*?&limit=([^&]*).*$", "\1");
            }
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/bets") {
        if (req.method == "POST") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "65536";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } elsif (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
            if (req.http.Edge-Query ~ "&after=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&after=" +
                    regsub(req.http.Edge-Query, "^.*?&after=([^&]*).*$", "\1");
            }
            if (req.http.Edge-Query ~ "&limit=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&limit=" +
                    regsub(req.http.Edge-Query, "^.*?&limit=([^&]*).*$", "\1");
            }
            if (req.http.Edge-Query ~ "&state=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&state=" +
                    regsub(req.http.Edge-Query, "^.*?&state=([^&]*).*$", "\1");
            }
        } else {
            set req.http.Edge-Allow = "POST, GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/sports") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "SNAPSHOT";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/events") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "SNAPSHOT";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            if (req.http.Edge-Query ~ "&after=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&after=" +
                    regsub(req.http.Edge-Query, "^.*?&after=([^&]*).*$", "\1");
            }
            if (req.http.Edge-Query ~ "&limit=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&limit=" +
                    regsub(req.http.Edge-Query, "^.*?&limit=([^&]*).*$", "\1");
            }
            if (req.http.Edge-Query ~ "&sport=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&sport=" +
                    regsub(req.http.Edge-Query, "^.*?&sport=([^&]*).*$", "\1");
            }
            if (req.http.Edge-Query ~ "&state=") {
                set req.http.Edge-Kept = req.http.Edge-Kept + "&state=" +
                    regsub(req.http.Edge-Query, "^.*?&state=([^&]*).*$", "\1");
            }
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/v1/stream") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "STREAM";
            set req.http.Edge-Rate = "stream";
            set req.http.Edge-Body = "0";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "PAGE";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/bets") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "PAGE";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/wallet") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "PAGE";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path == "/account") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "PAGE";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path ~ "^/v1/bets/[^/]+/cashout$") {
        if (req.method == "POST") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "money";
            set req.http.Edge-Body = "65536";
            set req.http.Edge-Abroad = "1";
            if (std.integer(req.http.Content-Length, 0) > 65536 ||
                !std.cache_req_body(65536B)) {
                return (synth(413));
            }
        } else {
            set req.http.Edge-Allow = "POST";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path ~ "^/v1/bets/[^/]+$") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "NEVER";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path ~ "^/v1/events/[^/]+$") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "SNAPSHOT";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path ~ "^/v1/events/[^/]+/stream$") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "STREAM";
            set req.http.Edge-Rate = "stream";
            set req.http.Edge-Body = "0";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path ~ "^/event/[^/]+$") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "PAGE";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    }     elsif (req.http.Edge-Path ~ "^/assets/[^/]+$") {
        if (req.method == "GET" || req.method == "HEAD") {
            set req.http.Edge-Caching = "ASSET";
            set req.http.Edge-Rate = "read";
            set req.http.Edge-Body = "0";
            set req.http.Edge-Abroad = "1";
        } else {
            set req.http.Edge-Allow = "GET";
            return (synth(405));
        }
    } else {
        return (synth(404));
    }
    if (req.http.Edge-Body == "0" && (req.http.Transfer-Encoding ||
        std.integer(req.http.Content-Length, 0) > 0)) {
        return (synth(413));
    }
    set req.url = req.http.Edge-Path;
    if (req.http.Edge-Kept != "") {
        set req.url = req.url + regsub(req.http.Edge-Kept, "^&", "?");
    }
}

# How often.
sub edge_rate {
    if (req.http.Edge-Rate == "login" && (
        vsthrottle.blocked("failed:" + req.http.Edge-Client, 20, 600s, 1800s) > 0s ||
        vsthrottle.blocked("failed:" + req.http.Edge-Network, 200, 600s, 1800s) > 0s)) {
        set req.http.Edge-Retry = "1800";
        return (synth(429));
    }
    if (req.http.Edge-Rate == "login") {
        if (
            vsthrottle.is_denied("login:" + req.http.Edge-Client, 10, 20.000s) ||
            vsthrottle.is_denied("login:" + req.http.Edge-Network, 100, 20.000s)) {
            set req.http.Edge-Retry = "2";
            return (synth(429));
        }
    }
    if (req.http.Edge-Rate == "money") {
        if (
            vsthrottle.is_denied("money:" + req.http.Edge-Client, 60, 6.000s) ||
            vsthrottle.is_denied("money:" + req.http.Edge-Network, 600, 6.000s)) {
            set req.http.Edge-Retry = "1";
            return (synth(429));
        }
    }
    if (req.http.Edge-Rate == "read") {
        if (
            vsthrottle.is_denied("read:" + req.http.Edge-Client, 300, 6.000s) ||
            vsthrottle.is_denied("read:" + req.http.Edge-Network, 3000, 3.000s)) {
            set req.http.Edge-Retry = "1";
            return (synth(429));
        }
    }
    if (req.http.Edge-Rate == "stream") {
        if (
            vsthrottle.is_denied("stream:" + req.http.Edge-Client, 40, 20.000s) ||
            vsthrottle.is_denied("stream:" + req.http.Edge-Network, 400, 10.000s)) {
            set req.http.Edge-Retry = "1";
            return (synth(429));
        }
    }
}

# Which release.
sub edge_release {
    set req.backend_hint = stable.backend();
    set req.http.Edge-Release = "stable";
}

sub vcl_recv {
    if (req.restarts == 0) {
        call edge_who;
    }
    if (req.http.Host !~ "(?i)^(www\.example\.com|direct\.example\.com)(:[0-9]+)?$") {
        return (synth(404));
    }
    set req.http.Host = "www.example.com";
    if (!req.http.User-Agent || req.http.User-Agent == "") {
        return (synth(403));
    }
    if (req.http.User-Agent ~ "(?i)(sqlmap|nikto|nmap|masscan|zgrab|nuclei|dirbuster|gobuster|hydra|scrapy|python-requests|libwww-perl|AhrefsBot|SemrushBot|MJ12bot|DotBot|PetalBot|Bytespider|GPTBot|CCBot)") {
        return (synth(403));
    }
    if (req.restarts == 0) {
        call edge_route;
        if (req.http.Edge-Refused && !req.http.Edge-Abroad) {
            return (synth(451));
        }
        call edge_rate;
    }
    call edge_release;
    if (req.http.Edge-Caching == "STREAM") {
        if (req.http.Upgrade ~ "(?i)^websocket$") {
            return (pipe);
        }
        return (pass);
    }
    if (req.http.Edge-Caching !~ "^(SNAPSHOT|PAGE|ASSET)$") {
        return (pass);
    }
    unset req.http.Authorization;
    unset req.http.Cookie;
    if (std.healthy(req.backend_hint) && !req.http.Edge-Stale) {
        if (req.http.Edge-Caching == "SNAPSHOT") {
            set req.grace = 0.800s;
        }
        if (req.http.Edge-Caching == "PAGE") {
            set req.grace = 59.800s;
        }
        if (req.http.Edge-Caching == "ASSET") {
            set req.grace = 0.000s;
        }
    }
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    hash_data(req.http.Edge-Release);
    return (lookup);
}

sub vcl_pipe {
    set bereq.http.Connection = req.http.Connection;
    set bereq.http.Upgrade = req.http.Upgrade;
    unset bereq.http.Edge-Client;
    unset bereq.http.Edge-Network;
    unset bereq.http.Edge-Country;
    unset bereq.http.Edge-Refused;
    unset bereq.http.Edge-Abroad;
    unset bereq.http.Edge-Path;
    unset bereq.http.Edge-Query;
    unset bereq.http.Edge-Kept;
    unset bereq.http.Edge-Caching;
    unset bereq.http.Edge-Rate;
    unset bereq.http.Edge-Body;
    unset bereq.http.Edge-Allow;
    unset bereq.http.Edge-Retry;
    unset bereq.http.Edge-Release;
    unset bereq.http.Edge-Stale;
    unset bereq.http.Edge-Bucket;
    unset bereq.http.Edge-Id;
    return (pipe);
}

sub vcl_backend_fetch {
    unset bereq.http.Edge-Client;
    unset bereq.http.Edge-Network;
    unset bereq.http.Edge-Country;
    unset bereq.http.Edge-Refused;
    unset bereq.http.Edge-Abroad;
    unset bereq.http.Edge-Path;
    unset bereq.http.Edge-Query;
    unset bereq.http.Edge-Kept;
    unset bereq.http.Edge-Caching;
    unset bereq.http.Edge-Rate;
    unset bereq.http.Edge-Body;
    unset bereq.http.Edge-Allow;
    unset bereq.http.Edge-Retry;
    unset bereq.http.Edge-Release;
    unset bereq.http.Edge-Stale;
    unset bereq.http.Edge-Bucket;
    unset bereq.http.Edge-Id;
    if (!bereq.uncacheable) {
        set bereq.first_byte_timeout = 1s; # then an old one, if any
    }
}

# What moves money is sent again by its key alone: it is done once.
sub edge_again {
    if (bereq.retries == 0 && (bereq.method == "GET" || bereq.method == "HEAD" ||
        bereq.http.Idempotency-Key)) {
        return (retry);
    }
}

sub vcl_backend_response {
    if (beresp.status == 502 || beresp.status == 503 || beresp.status == 504) {
        if (bereq.is_bgfetch) {
            return (abandon);
        }
        call edge_again;
    }
    if (bereq.uncacheable) {
        set beresp.uncacheable = true;
        return (deliver);
    }
    if (beresp.status != 200 || beresp.http.Cache-Control !~ "public" ||
        beresp.http.Cache-Control ~ "no-store|private") {
        if (bereq.is_bgfetch && beresp.status >= 500) {
            return (abandon);
        }
        set beresp.ttl = 1s;
        set beresp.grace = 0s;
        set beresp.uncacheable = true;
        return (deliver);
    }
    unset beresp.http.Set-Cookie;
    if (bereq.url ~ "^/v1/sports(\?|$)") { # SNAPSHOT
        set beresp.ttl = 1s;
        set beresp.grace = 30s;
    }
    if (bereq.url ~ "^/v1/events(\?|$)") { # SNAPSHOT
        set beresp.ttl = 1s;
        set beresp.grace = 30s;
    }
    if (bereq.url ~ "^/(\?|$)") { # PAGE
        set beresp.ttl = 10s;
        set beresp.grace = 3600s;
    }
    if (bereq.url ~ "^/bets(\?|$)") { # PAGE
        set beresp.ttl = 10s;
        set beresp.grace = 3600s;
    }
    if (bereq.url ~ "^/wallet(\?|$)") { # PAGE
        set beresp.ttl = 10s;
        set beresp.grace = 3600s;
    }
    if (bereq.url ~ "^/account(\?|$)") { # PAGE
        set beresp.ttl = 10s;
        set beresp.grace = 3600s;
    }
    if (bereq.url ~ "^/v1/events/[^/]+(\?|$)") { # SNAPSHOT
        set beresp.ttl = 1s;
        set beresp.grace = 30s;
    }
    if (bereq.url ~ "^/event/[^/]+(\?|$)") { # PAGE
        set beresp.ttl = 10s;
        set beresp.grace = 3600s;
    }
    if (bereq.url ~ "^/assets/[^/]+(\?|$)") { # ASSET
        set beresp.ttl = 31536000s;
        set beresp.grace = 0s;
    }
    if (beresp.http.Content-Type ~ "json|html|javascript|css|svg") {
        set beresp.do_gzip = true; # once, for all who read it
    }
    return (deliver);
}

sub vcl_backend_error {
    if (bereq.is_bgfetch) {
        return (abandon);
    }
    call edge_again;
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    synthetic("""{"type":"https://overround.dev/problems/busy","title":"Not now; try again with the same key","status":503,"detail":"no process could answer; what became of it is told to the same key","code":"busy"}""");
    return (deliver);
}

sub edge_headers {
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    set resp.http.X-Request-Id = req.http.Edge-Id;
    set resp.http.Strict-Transport-Security = "max-age=31536000";
}

sub vcl_deliver {
    if (resp.status >= 500 && req.restarts == 0 && req.http.Edge-Caching ~ "^(SNAPSHOT|PAGE|ASSET)$") {
        set req.http.Edge-Stale = "1"; # an old one, if there is one
        return (restart);
    }
    if (req.http.Edge-Rate == "login" && resp.status == 401 && (
        vsthrottle.is_denied("failed:" + req.http.Edge-Client, 20, 600s, 1800s) ||
        vsthrottle.is_denied("failed:" + req.http.Edge-Network, 200, 600s, 1800s))) {
        std.log("edge: log-ins fail from " + req.http.Edge-Client);
    }
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
    call edge_headers;
    return (deliver);
}

sub vcl_synth {
    call edge_headers;
    set resp.http.Content-Type = "application/problem+json";
    set resp.http.Cache-Control = "no-store";
    if (resp.status == 403) {
        synthetic("""{"type":"https://overround.dev/problems/client_refused","title":"This program is refused","status":403,"code":"client_refused"}""");
        return (deliver);
    }
    if (resp.status == 404) {
        synthetic("""{"type":"https://overround.dev/problems/not_found","title":"There is no such thing","status":404,"code":"not_found"}""");
        return (deliver);
    }
    if (resp.status == 405) {
        set resp.http.Allow = req.http.Edge-Allow;
        synthetic("""{"type":"https://overround.dev/problems/method_not_allowed","title":"The method is not allowed here","status":405,"code":"method_not_allowed"}""");
        return (deliver);
    }
    if (resp.status == 413) {
        set resp.http.Connection = "close";
        synthetic("""{"type":"https://overround.dev/problems/too_large","title":"The body is too large","status":413,"detail":"the request has a larger body than this call takes","code":"too_large"}""");
        return (deliver);
    }
    if (resp.status == 429) {
        set resp.http.Retry-After = req.http.Edge-Retry;
        set resp.http.RateLimit-Remaining = "0";
        set resp.http.RateLimit-Reset = req.http.Edge-Retry;
        synthetic("""{"type":"https://overround.dev/problems/too_many_requests","title":"Too many requests","status":429,"detail":"Wait as long as Retry-After says.","code":"too_many_requests"}""");
        return (deliver);
    }
    if (resp.status == 451) {
        synthetic("""{"type":"https://overround.dev/problems/country_refused","title":"Not from this country","status":451,"code":"country_refused"}""");
        return (deliver);
    }
    synthetic("""{"type":"https://overround.dev/problems/busy","title":"Not now; try again with the same key","status":503,"detail":"no process could answer; what became of it is told to the same key","code":"busy"}""");
    return (deliver);
}
