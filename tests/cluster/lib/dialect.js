// A stand-in for the object stores of clouds, for what the real server of the tests
// (scripts/s3.sh) has not: archive classes that must be thawed, and the rules in which
// stores differ.  Its answers are those of their documentation, and only as many as
// overround needs; each request's signature, Content-MD5 and address are checked.
'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const { fault } = require('./sigv4');

const BUCKET = 'books';
const KEY = 'dialect-key';
const SECRET = 'dialect/secret+with=signs';
const AMAZON = ['STANDARD', 'STANDARD_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'];

// regions: the signature's; styles: where the bucket may stand; lock: whether its headers
// are known, wanted: Content-MD5 with them; thaw: whether RestoreObject is.
const DIALECTS = {
  amazon: { regions: ['eu-central-1'], styles: ['virtual', 'path'], classes: AMAZON,
    lock: true, wanted: true, thaw: true },
  google: { regions: null, styles: ['virtual', 'path'], lock: true, meta: 'x-goog-meta-',
    classes: ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'] },
  hetzner: { regions: ['fsn1'], styles: ['virtual', 'path'], classes: ['STANDARD'], lock: true },
  spaces: { regions: ['fra1'], styles: ['virtual', 'path'], classes: ['STANDARD'] },
};
// What newer clients send to Amazon and other stores do not know: GCS and Spaces refuse
// the signature or the body, Accept-Encoding is rewritten on the way.
const UNKNOWN = /^(x-amz-checksum-|x-amz-sdk-|x-amz-trailer$|accept-encoding$)/;

const xml = (name, text) => `<?xml version="1.0" encoding="UTF-8"?><${name}>${text}</${name}>`;
const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

class Dialect {
  // thawLooks: how many HEADs until a copy is there; kms: the bucket's default encrypts
  // with a key of KMS, so ETags are no sums; page: objects of one answer.
  constructor(name, { thawLooks = 2, kms = false, page = 2 } = {}) {
    Object.assign(this, DIALECTS[name], { name, thawLooks, kms, page, objects: new Map(),
      uploads: new Map(), requests: [] });
  }

  async start() {
    this.server = http.createServer((request, response) => this.#take(request, response));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.endpoint = `http://localhost:${this.port}`;
    return this;
  }
  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  env(prefix = '') {
    const own = { AWS_ENDPOINT_URL: this.endpoint, AWS_ACCESS_KEY_ID: KEY,
      AWS_SECRET_ACCESS_KEY: SECRET, AWS_REGION: this.regions?.[0] ?? 'auto' };
    return Object.fromEntries(Object.entries(own).map(([k, v]) => [prefix + k, v]));
  }
  url(key) {
    return `s3://${BUCKET}/${key}`;
  }

  async #take(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const answer = this.#answer(request, body);
    const { status = 200, headers = {}, text = '' } = answer;
    this.requests.push({ method: request.method, url: request.url, headers: request.headers,
      status });
    response.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headers });
    response.end(request.method === 'HEAD' ? undefined : text);
  }

  #error(status, code, more = '') {
    return { status, text: xml('Error', `<Code>${code}</Code>${more}`) };
  }

  #answer(request, body) {
    const wrong = fault(request, body, { key: KEY, secret: SECRET, regions: this.regions });
    if (wrong) return this.#error(403, wrong);
    const strange = Object.keys(request.headers).find((name) => UNKNOWN.test(name));
    if (strange) return this.#error(400, 'InvalidArgument', `<Message>${strange}</Message>`);
    const md5 = request.headers['content-md5'];
    if (md5 && md5 !== crypto.createHash('md5').update(body).digest('base64')) {
      return this.#error(400, 'BadDigest');
    }
    const key = this.#key(request);
    if (key === null) return this.#error(404, 'NoSuchBucket');
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    return this.#verb(request, key, query, body);
  }

  // The key, '' for the bucket; null: another bucket, or a style it has not.
  #key(request) {
    const path = decodeURIComponent(request.url.split('?')[0]);
    const host = request.headers.host.split(':')[0];
    if (host === `${BUCKET}.localhost`) {
      return this.styles.includes('virtual') ? path.slice(1) : null;
    }
    if (!this.styles.includes('path') || !path.startsWith(`/${BUCKET}/`)) return null;
    return path.slice(BUCKET.length + 2);
  }

  #verb({ method, headers }, key, query, body) {
    if (method === 'GET' && key === '') return this.#list(query);
    if (method === 'GET') return this.#get(key);
    if (method === 'HEAD') return this.#head(key);
    if (method === 'POST' && query.has('restore')) return this.#restore(key, body);
    if (method === 'POST' && query.has('uploads')) return this.#begin(key, headers);
    if (method === 'POST' && query.has('uploadId')) return this.#complete(key, query, body);
    if (method === 'PUT' && query.has('uploadId')) return this.#part(query, body);
    if (method === 'PUT') return this.#put(key, headers, body);
    if (method === 'DELETE') return { status: 204 };
    return this.#error(501, 'NotImplemented');
  }

  // What its headers say of a new object, or the error.
  #kept(headers) {
    const storage = headers['x-amz-storage-class'] ?? 'STANDARD';
    const mode = this.lock ? headers['x-amz-object-lock-mode'] : undefined;
    const until = headers['x-amz-object-lock-retain-until-date'];
    if (!this.classes.includes(storage)) return { error: this.#error(400, 'InvalidStorageClass') };
    if (mode && this.wanted && !headers['content-md5']) {
      return { error: this.#error(400, 'InvalidRequest') };
    }
    const meta = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))
      .map(([name, value]) => [name.replace('x-amz-meta-', this.meta ?? 'x-amz-meta-'), value]);
    return { storage, mode, until: mode && until, looks: 0, modified: new Date().toISOString(),
      meta: Object.fromEntries(meta) };
  }
  #etag(body, parts = 0) {
    if (this.kms) return crypto.randomBytes(16).toString('hex');
    return crypto.createHash('md5').update(body).digest('hex') + (parts ? `-${parts}` : '');
  }

  #put(key, headers, body) {
    const kept = this.#kept(headers);
    if (kept.error) return kept.error;
    const etag = this.#etag(body);
    this.objects.set(key, { ...kept, body, etag });
    return { headers: { etag: `"${etag}"` } };
  }
  #begin(key, headers) {
    const kept = this.#kept(headers);
    if (kept.error) return kept.error;
    const id = `id/${this.uploads.size}+=`;
    this.uploads.set(id, { kept, parts: [] });
    return { text: xml('InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`) };
  }
  #part(query, body) {
    const upload = this.uploads.get(query.get('uploadId'));
    if (!upload) return this.#error(404, 'NoSuchUpload');
    upload.parts[Number(query.get('partNumber')) - 1] = body;
    return { headers: { etag: `"part-${query.get('partNumber')}"` } };
  }
  #complete(key, query, body) {
    const upload = this.uploads.get(query.get('uploadId'));
    const named = body.toString().match(/<PartNumber>/g) ?? [];
    if (!upload || named.length !== upload.parts.length) return this.#error(400, 'InvalidPart');
    const sums = upload.parts.map((part) => crypto.createHash('md5').update(part).digest());
    const etag = this.#etag(Buffer.concat(sums), sums.length);
    this.objects.set(key, { ...upload.kept, body: Buffer.concat(upload.parts), etag });
    return { text: xml('CompleteMultipartUploadResult', `<ETag>"${etag}"</ETag>`) };
  }

  #isFrozen(object) {
    return ['GLACIER', 'DEEP_ARCHIVE'].includes(object.storage) && object.restored !== true;
  }
  #get(key) {
    const object = this.objects.get(key);
    if (!object) return this.#error(404, 'NoSuchKey');
    if (this.#isFrozen(object)) {
      return this.#error(403, 'InvalidObjectState',
        `<StorageClass>${object.storage}</StorageClass>`);
    }
    return { text: object.body };
  }
  #head(key) {
    const object = this.objects.get(key);
    if (!object) return { status: 404 };
    const headers = { 'content-length': object.body.length, etag: `"${object.etag}"`,
      ...object.meta, ...(this.kms && { 'x-amz-server-side-encryption': 'aws:kms' }) };
    if (object.storage !== 'STANDARD') headers['x-amz-storage-class'] = object.storage;
    if (object.mode) {
      headers['x-amz-object-lock-mode'] = object.mode;
      headers['x-amz-object-lock-retain-until-date'] = object.until;
    }
    if (object.asked && ++object.looks > this.thawLooks) object.restored = true;
    if (object.restored) {
      headers['x-amz-restore'] =
        `ongoing-request="false", expiry-date="${new Date(object.asked).toUTCString()}"`;
    } else if (object.asked) {
      headers['x-amz-restore'] = 'ongoing-request="true"';
    }
    return { headers };
  }
  #restore(key, body) {
    const object = this.objects.get(key);
    if (!this.thaw) return this.#error(501, 'NotImplemented');
    if (!object) return this.#error(404, 'NoSuchKey');
    if (!this.#isFrozen(object)) return this.#error(403, 'InvalidObjectState');
    if (object.asked) return this.#error(409, 'RestoreAlreadyInProgress');
    const days = /<Days>(\d+)<\/Days>/.exec(body);
    const tier = /<Tier>(Bulk|Standard|Expedited)<\/Tier>/.exec(body);
    if (!days || !tier) return this.#error(400, 'MalformedXML');
    if (object.storage === 'DEEP_ARCHIVE' && tier[1] === 'Expedited') {
      return this.#error(400, 'InvalidArgument');
    }
    object.asked = Date.now() + Number(days[1]) * 86400000;
    object.tier = tier[1];
    return { status: 202 };
  }

  // Few a page, so that there are pages.
  #list(query) {
    const after = query.get('continuation-token') ?? '';
    this.sorted = this.sorted?.length === this.objects.size ? this.sorted
      : [...this.objects.keys()].sort();
    const begin = after === '' ? 0 : this.sorted.indexOf(after) + 1;
    const prefix = query.get('prefix') ?? '';
    const keys = [];
    let at = begin;
    for (; at < this.sorted.length && keys.length < this.page; at++)
      if (this.sorted[at].startsWith(prefix)) keys.push(this.sorted[at]);
    const page = keys.map((key) => {
      const { size, body, storage, modified, etag } = this.objects.get(key);
      return `<Contents><Key>${escape(key)}</Key><LastModified>${modified}</LastModified>` +
        `<ETag>&quot;${etag}&quot;</ETag><Size>${size ?? body.length}</Size>` +
        `<StorageClass>${storage}</StorageClass></Contents>`;
    });
    const next = at < this.sorted.length ? `<NextContinuationToken>${escape(keys.at(-1))}` +
      '</NextContinuationToken>' : '';
    return { text: xml('ListBucketResult', page.join('') + next) };
  }
}

module.exports = { Dialect, DIALECTS };
