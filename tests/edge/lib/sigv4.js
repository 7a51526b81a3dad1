// AWS Signature Version 4, the receiver's side: does this request carry a good
// signature?  As docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html has it.
'use strict';

const { createHash, createHmac } = require('node:crypto');

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

// Throws what is wrong with it.
function verify({ method, url, headers, body }, { key, secret, region, service }) {
  const given = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/
    .exec(headers.authorization ?? '');
  if (!given) throw new Error(`no signature: ${headers.authorization}`);
  const [, credential, names, signature] = given;
  const stamp = headers['x-amz-date'];
  const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
  if (credential !== `${key}/${scope}`) throw new Error(`credential ${credential}`);
  for (const must of ['host', 'x-amz-date']) {
    if (!names.split(';').includes(must)) throw new Error(`${must} is not signed`);
  }
  const [path, query = ''] = url.split('?');
  const lines = names.split(';').map((name) => `${name}:${headers[name].trim()}\n`).join('');
  const canonical = [method, path, query, lines, names, sha256(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n');
  const signing = [stamp.slice(0, 8), region, service, 'aws4_request'].reduce(hmac,
    `AWS4${secret}`);
  if (hmac(signing, text).toString('hex') !== signature) throw new Error('a wrong signature');
}

module.exports = { verify };
