// An S3 server of the tests' own, which checks signatures (scripts/s3.sh).
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder, root } = require('../../api/lib/store');

const BUCKET = 'books';
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

  // What a program needs to use it.
  get env() {
    return {
      AWS_ENDPOINT_URL: this.endpoint,
      AWS_ACCESS_KEY_ID: 'overround',
      AWS_SECRET_ACCESS_KEY: 'overround-secret',
      AWS_REGION: 'us-east-1',
    };
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

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    script('drop', this.folder);
  }
}

module.exports = { S3 };
