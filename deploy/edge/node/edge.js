// What nginx cannot count: an HMAC, and the age of a copy.
import crypto from 'crypto';

// X-Edge-Country: the server takes it from who knows the secret (docs/EDGE.md).
function country(r) {
  const secret = r.variables.edge_secret;
  if (!secret) return '';
  const code = r.variables.country;
  const t = Math.floor(Date.now() / 1000);
  const hmac = crypto.createHmac('sha256', secret);
  hmac.update(`${code}|${r.variables.remote_addr}|${t}`);
  return `${code};t=${t};sig=${hmac.digest('hex')}`;
}

// Seconds since the origin gave what is answered; nothing where it was not kept.
function age(r) {
  const at = Number(r.variables.upstream_http_x_odds_at);
  return at > 0 ? String(Math.max(0, Math.floor(Date.now() / 1000 - at))) : '';
}

export default { country, age };
