// Signature version 4, from the signer's own description (Amazon S3 API, "Authenticating
// Requests: Using the Authorization Header"): what a store computes to believe a request.
// object_dialects_test.js holds it to the examples that are printed there.
'use strict';

const crypto = require('node:crypto');

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

function canonicalQuery(query) {
  if (!query) return '';
  return query
    .split('&')
    .map((part) => (part.includes('=') ? part : `${part}=`))
    .sort()
    .join('&');
}

// The signature that `request` ({ method, url, headers }) should carry: headers by lower
// name, url as it was sent.
function signature(request, { secret, date, region, names }) {
  const [path, query] = request.url.split('?');
  const canonical = [
    request.method,
    path,
    canonicalQuery(query),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    names.join(';'),
    request.headers['x-amz-content-sha256'],
  ].join('\n');
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const keys = [date.slice(0, 8), region, 's3', 'aws4_request'];
  return hmac(keys.reduce((key, part) => hmac(key, part), `AWS4${secret}`), text).toString('hex');
}

const AUTHORIZATION = new RegExp(
  '^AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/([^/]+)/s3/aws4_request,' +
    ' ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$');

// What is wrong with the request, as a store's code of error; '' when nothing is.
function fault(request, body, { key, secret, regions }) {
  const parts = AUTHORIZATION.exec(request.headers.authorization ?? '');
  if (!parts) return 'AccessDenied';
  const [, signer, day, region, signed, given] = parts;
  const names = signed.split(';');
  const date = request.headers['x-amz-date'] ?? '';
  if (signer !== key) return 'InvalidAccessKeyId';
  if (regions && !regions.includes(region)) return 'AuthorizationHeaderMalformed';
  if (!date.startsWith(day)) return 'AccessDenied';
  for (const name of Object.keys(request.headers)) {
    const must = name === 'host' || name === 'content-md5' || name.startsWith('x-amz-');
    if (must && !names.includes(name)) return 'AccessDenied';
  }
  if (request.headers['x-amz-content-sha256'] !== sha256(body)) {
    return 'XAmzContentSHA256Mismatch';
  }
  const own = signature(request, { secret, date, region, names });
  return own === given ? '' : 'SignatureDoesNotMatch';
}

module.exports = { signature, fault };
