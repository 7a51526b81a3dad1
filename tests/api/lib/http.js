// HTTP for tests: one function, keep-alive connections, the answer's exact
// bytes beside its parsed JSON.
'use strict';

const http = require('node:http');
const https = require('node:https');

function makeAgent(sockets = 64) {
  return new http.Agent({ keepAlive: true, maxSockets: sockets, timeout: 120000 });
}

const sharedAgent = makeAgent();

function bodyOf(options) {
  if (options.json !== undefined) return Buffer.from(JSON.stringify(options.json));
  if (options.body === undefined) return undefined;
  return Buffer.isBuffer(options.body) ? options.body : Buffer.from(options.body);
}

function headersOf(options, body) {
  const headers = { ...options.headers };
  if (options.json !== undefined) headers['content-type'] ??= 'application/json';
  if (options.type) headers['content-type'] = options.type;
  if (options.token) headers.authorization = `Bearer ${options.token}`;
  if (options.key !== undefined) headers['idempotency-key'] = options.key;
  if (body !== undefined) headers['content-length'] = body.length;
  return headers;
}

function parse(res, raw) {
  const text = raw.toString('utf8');
  let json;
  if (/json/.test(res.headers['content-type'] ?? '') && text !== '') json = JSON.parse(text);
  return { status: res.statusCode, headers: res.headers, text, json, code: json?.code };
}

function once(method, url, options) {
  return new Promise((resolve, reject) => {
    const body = bodyOf(options);
    const { request } = url.startsWith('https:') ? https : http; // with an agent of its own
    const req = request(
      url,
      {
        method,
        headers: headersOf(options, body),
        agent: options.agent ?? sharedAgent,
      },
      (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part));
        res.on('end', () => resolve(parse(res, Buffer.concat(parts))));
        res.on('error', reject);
      },
    );
    req.setTimeout(options.timeout ?? 60000, () => req.destroy(new Error(`${url}: no answer`)));
    req.on('error', (error) => {
      error.reused = req.reusedSocket;
      reject(error);
    });
    req.end(body);
  });
}

// call('POST', url, { json | body, type, token, key, headers, agent, timeout })
// A connection that the server closed while it was idle is no failure: the
// request had not begun, so it is sent again on a new one.
async function call(method, url, options = {}) {
  try {
    return await once(method, url, options);
  } catch (error) {
    const closedWhenIdle = error.reused && ['ECONNRESET', 'EPIPE'].includes(error.code);
    if (!closedWhenIdle || options.noRetry) throw error;
    return once(method, url, options);
  }
}

module.exports = { call, makeAgent };
