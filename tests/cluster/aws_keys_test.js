// Keys that nobody wrote down: of a service account's role (STS), of a container's agent
// (EKS Pod Identity, ECS), of an instance's metadata.  One server plays them and writes down
// what it was asked; the store beside it checks each signature (lib/dialect.js).
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { makeFolder } = require('../api/lib/store');
const { runAsync } = require('../api/lib/server');
const { Dialect } = require('./lib/dialect');

const HOUR = 3600000;

describe('keys of roles', () => {
  let folder, store, asked, given, server, url;

  before(async () => {
    folder = makeFolder('overround-keys');
    fs.writeFileSync(path.join(folder, 'out'), 'a segment');
    fs.writeFileSync(path.join(folder, 'token'), 'the.web/identity+token\n');
    server = http.createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      asked.push({ method: request.method, url: request.url, headers: request.headers, body });
      const [status, text] = answer(request, body);
      response.writeHead(status).end(text);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  // given: when each key ends, in turn; the last one for all that follow.
  async function opened(t, ends = [HOUR]) {
    asked = [];
    given = { ends, n: 0 };
    store = await new Dialect('amazon').start();
    t.after(() => store.stop());
  }

  function key() {
    const ends = given.ends[Math.min(given.n, given.ends.length - 1)];
    given.n += 1;
    const env = store.env();
    return { AccessKeyId: env.AWS_ACCESS_KEY_ID, SecretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      Token: `session-${given.n}`, Expiration: new Date(Date.now() + ends).toISOString() };
  }

  function answer({ method, url: at, headers }, body) {
    if (given.status) return [given.status, 'no key here'];
    if (at === '/sts' && method === 'POST') {
      const { Token, ...rest } = key();
      const parts = Object.entries({ ...rest, SessionToken: Token })
        .map(([name, value]) => `<${name}>${value}</${name}>`).join('');
      return [200, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>` +
        `<Credentials>${parts}</Credentials></AssumeRoleWithWebIdentityResult>` +
        `</AssumeRoleWithWebIdentityResponse>${body ? '' : 'x'}`];
    }
    if (at === '/v1/credentials') {
      return headers.authorization === 'the.web/identity+token' ? [200, JSON.stringify(key())]
        : [401, ''];
    }
    if (at === '/latest/api/token') return [method === 'PUT' ? 200 : 405, 'TOKEN'];
    if (headers['x-aws-ec2-metadata-token'] !== 'TOKEN') return [401, ''];
    if (at === '/latest/meta-data/iam/security-credentials/') return [200, 'house'];
    if (at === '/latest/meta-data/iam/security-credentials/house') {
      return [200, JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...key() })];
    }
    return [404, ''];
  }

  const tokenFile = () => path.join(folder, 'token');
  const sources = {
    'a service account (STS)': () => ({ AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile(),
      AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/house', AWS_ENDPOINT_URL_STS: `${url}/sts` }),
    'a container (Pod Identity)': () => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile() }),
    'an instance (IMDSv2)': () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: `${url}/` }),
  };
  // Nothing of whoever runs the tests.
  const none = Object.fromEntries(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN', 'AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_EC2_METADATA_DISABLED'].map((name) => [name, '']));
  const object = (args, env) => {
    const { AWS_ENDPOINT_URL, AWS_REGION } = store.env();
    return runAsync(['object', ...args], { env: { ...none, AWS_ENDPOINT_URL, AWS_REGION,
      ...env } }).done;
  };
  const put = (env) => object(['put', path.join(folder, 'out'), store.url('wal/1')], env);
  const tokens = () => [...new Set(store.requests.map(({ headers }) =>
    headers['x-amz-security-token']))];

  for (const [name, env] of Object.entries(sources)) {
    test(`${name}: its key signs, and its session goes along`, async (t) => {
      await opened(t);
      const done = await put(env());
      assert.equal(done.status, 0, done.stderr);
      assert.equal(store.objects.get('wal/1').body.toString(), 'a segment');
      assert.deepEqual(tokens(), ['session-1']);
      assert.equal(given.n, 1, 'asked once for a run');
    });

    test(`${name}: a key that ends is fetched again`, async (t) => {
      await opened(t, [-1000, HOUR]);
      const done = await put(env());
      assert.equal(done.status, 0, done.stderr);
      assert.deepEqual(tokens(), ['session-2']);
    });

    test(`${name}: so is one that the store says has ended`, async (t) => {
      await opened(t);
      const plain = store.server.listeners('request')[0];
      store.server.removeAllListeners('request');
      store.server.on('request', (request, response) => {
        if (request.headers['x-amz-security-token'] !== 'session-1') {
          plain(request, response);
          return;
        }
        request.resume();
        response.writeHead(400).end('<Error><Code>ExpiredToken</Code></Error>');
      });
      const done = await put(env());
      assert.equal(done.status, 0, done.stderr);
      assert.deepEqual(tokens(), ['session-2']);
    });

    test(`${name}: no key is said, and no word of the answer`, async (t) => {
      await opened(t);
      given.status = 403;
      const done = await put(env());
      assert.equal(done.status, 1);
      assert.match(done.stderr, /status 403/);
      assert.doesNotMatch(done.stderr, /no key here|identity\+token/);
      assert.equal((await object(['get', store.url('wal/1'), path.join(folder, 'back')],
        env())).status, 126); // no end of the log
      given.status = 503; // for the moment: asked again
      asked.length = 0;
      assert.equal((await put(env())).status, 1);
      assert.equal(asked.length, 3);
    });
  }

  test('what is asked for, and how', async (t) => {
    await opened(t);
    await put(sources['a service account (STS)']());
    const call = Object.fromEntries(new URLSearchParams(asked[0].body));
    assert.deepEqual(call, { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::111122223333:role/house', RoleSessionName: 'overround',
      WebIdentityToken: 'the.web/identity+token' });
    asked.length = 0;
    await put(sources['an instance (IMDSv2)']());
    assert.deepEqual(asked.map(({ method, url: at }) => `${method} ${at}`), [
      'PUT /latest/api/token', 'GET /latest/meta-data/iam/security-credentials/',
      'GET /latest/meta-data/iam/security-credentials/house']);
  });

  test('the order: the environment, STS, the container, the instance', async (t) => {
    await opened(t);
    const all = Object.assign({}, ...Object.values(sources).map((env) => env()));
    assert.equal((await put({ ...all, ...store.env() })).status, 0);
    assert.deepEqual(asked, []);
    assert.deepEqual(tokens(), [undefined]);
    await put(all);
    assert.equal(asked[0].url, '/sts');
    asked.length = 0;
    await put({ ...all, AWS_ROLE_ARN: '' });
    assert.equal(asked[0].url, '/v1/credentials');
  });

  test('half a key, none for the second store, and an agent far away are said', async (t) => {
    await opened(t);
    const instance = sources['an instance (IMDSv2)']();
    const said = async (env, text, ...more) => {
      const done = await object(['put', path.join(folder, 'out'), store.url('a'), ...more], env);
      assert.equal(done.status, 1, done.stdout);
      assert.match(done.stderr, text);
    };
    await said({ ...instance, AWS_ACCESS_KEY_ID: 'a' }, /set AWS_ACCESS_KEY_ID and AWS_SECRET/);
    await said({ ...instance, AWS_EC2_METADATA_DISABLED: 'true' }, /set AWS_ACCESS_KEY_ID/);
    await said({ ...instance, SECOND_AWS_EC2_METADATA_SERVICE_ENDPOINT: url },
      /set SECOND_AWS_ACCESS_KEY_ID/, '--second', store.url('b'));
    for (const far of ['http://agent.example/x', 'http://127.0.0.1.example.com/x',
      'http://169.254.170.200/x'])
      await said({ AWS_CONTAINER_CREDENTIALS_FULL_URI: far }, /by HTTPS, or on this machine/);
  });
});
