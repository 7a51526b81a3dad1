// An S3 server of the tests' own, which checks signatures (scripts/s3.sh).
'use strict';

const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');

const { signature } = require('./sigv4');

const BUCKET = 'books';
const SECRET = 'overround-secret';
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const script = (...args) =>
  execFileSync(path.join(root, 'scripts/s3.sh'), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();

class S3 {
  constructor() {
    this.folder = makeFolder('overround-s3');
    this.endpoint = script('start', this.folder, BUCKET);
    process.on('exit', () => this.stop());
  }

  // What a program needs to use it; as its second store, with 'SECOND_'.
  envAs(prefix) {
    return {
      [`${prefix}AWS_ENDPOINT_URL`]: this.endpoint,
      [`${prefix}AWS_ACCESS_KEY_ID`]: 'overround',
      [`${prefix}AWS_SECRET_ACCESS_KEY`]: SECRET,
      [`${prefix}AWS_REGION`]: 'us-east-1',
    };
  }
  get env() {
    return this.envAs('');
  }

  url(prefix) {
    return `s3://${BUCKET}/${prefix}`;
  }

  // Where the server keeps the object, and all below a prefix.
  file(key) {
    return path.join(this.folder, 'data', BUCKET, key);
  }
  keys(prefix) {
    return fs
      .readdirSync(this.file(prefix), { recursive: true })
      .filter((name) => fs.statSync(this.file(path.join(prefix, name))).isFile())
      .sort();
  }

  // A request of the tests' own.
  async call(method, address, headers = {}, body = undefined) {
    const { host } = new URL(this.endpoint);
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const sum = body === undefined ? EMPTY : crypto.createHash('sha256').update(body).digest('hex');
    const all = { host, 'x-amz-date': date, 'x-amz-content-sha256': sum, ...headers };
    const names = Object.keys(all).sort();
    const signed = signature({ method, url: address, headers: all },
      { secret: SECRET, date, region: 'us-east-1', names });
    all.authorization = `AWS4-HMAC-SHA256 Credential=overround/${date.slice(0, 8)}/us-east-1/s3/` +
      `aws4_request, SignedHeaders=${names.join(';')}, Signature=${signed}`;
    const answer = await fetch(this.endpoint + address, { method, headers: all, body });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  // A cloud that is away for a while.
  away() {
    script('stop', this.folder);
  }
  back() {
    script('restart', this.folder);
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    script('drop', this.folder);
  }
}

module.exports = { S3 };
