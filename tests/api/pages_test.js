// The pages as browsers and CDNs get them; what they do is in tests/browser.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, test, before, after } = require('node:test');
const zlib = require('node:zlib');
const { worldFor } = require('./lib/world');

const FIRST_LOAD_BYTES = 60 * 1024;

// An answer with its body as it came.
function fetchRaw(url, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('end', () =>
        resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }),
      );
    });
    request.on('error', reject);
  });
}

const decode = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
};

describe('pages', () => {
  const world = worldFor({ before, after }, {});
  const get = (path, headers) => fetchRaw(world().server.publicUrl + path, headers);
  const operate = (path, headers) => fetchRaw(world().server.operatorUrl + path, headers);

  const linked = (html) => [...html.toString().matchAll(/(?:href|src)="(\/[^"]+)"/g)];
  const assetsOf = (html) => linked(html).map(([, path]) => path);

  test('every path of the customers is the same page', async () => {
    const first = await get('/');
    assert.match(first.headers['content-type'], /^text\/html/);
    for (const path of ['/event/sr:match:1', '/bets', '/wallet', '/account']) {
      const { status, body } = await get(path);
      assert.equal(status, 200, path);
      assert.deepEqual(body, first.body, path);
    }
    assert.equal((await get('/nowhere')).status, 404);
  });

  test('assets are immutable and named by their content', async () => {
    const { body } = await get('/');
    const paths = assetsOf(body);
    assert.equal(paths.length, 3);
    for (const path of paths) {
      assert.match(path, /^\/assets\/\w+-[0-9a-f]{12}\.(js|css|svg)$/);
      const { headers } = await get(path);
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
  });

  test('each encoding is the same file, with an ETag of its own', async () => {
    const [script] = assetsOf((await get('/')).body).filter((path) => path.endsWith('.js'));
    for (const path of ['/', script]) {
      const plain = await get(path);
      assert.equal(plain.headers['content-encoding'], undefined);
      const etags = new Set([plain.headers.etag]);
      for (const coding of ['gzip', 'br']) {
        const { headers, body } = await get(path, { 'accept-encoding': coding });
        assert.equal(headers['content-encoding'], coding);
        assert.equal(headers.vary, 'Accept-Encoding');
        assert.deepEqual(decode[coding](body), plain.body);
        etags.add(headers.etag);
        const asked = { 'accept-encoding': coding, 'if-none-match': headers.etag };
        const again = await get(path, asked);
        assert.equal(again.status, 304);
        assert.equal(again.body.length, 0);
        assert.equal(again.headers.etag, headers.etag);
      }
      assert.equal(etags.size, 3);
    }
  });

  test('the first load is under 60 KiB, compressed with gzip', async () => {
    const accept = { 'accept-encoding': 'gzip' };
    const page = await get('/', accept);
    let bytes = page.body.length;
    for (const path of assetsOf(zlib.gunzipSync(page.body)))
      bytes += (await get(path, accept)).body.length;
    assert.ok(bytes < FIRST_LOAD_BYTES, `${bytes} bytes`);
  });

  test('nothing runs that is not ours, and no one frames it', async () => {
    const { headers, body } = await get('/');
    const policy = headers['content-security-policy'];
    for (const rule of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
      assert.ok(policy.includes(rule), policy);
    assert.ok(!policy.includes('unsafe'));
    assert.doesNotMatch(body.toString(), /<script(?![^>]* src=)|<style| style="| on\w+="/);
    assert.equal(headers['referrer-policy'], 'no-referrer');
  });

  test("operators' pages are the operator listener's alone, without a token", async () => {
    for (const path of ['/desk', '/ops']) {
      const { status, headers, body } = await operate(path);
      assert.equal(status, 200);
      assert.match(headers['content-type'], /^text\/html/);
      assert.equal((await get(path)).status, 404);
      for (const asset of assetsOf(body)) {
        assert.equal((await operate(asset)).status, 200, asset);
        assert.equal((await get(asset)).status, 404, asset);
      }
    }
    assert.equal((await operate('/')).status, 404);
  });
});
