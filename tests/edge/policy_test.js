// One policy: what `overround edge` reads, refuses and writes.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, test, after } = require('node:test');
const { run } = require('../api/lib/server');
const { root } = require('../api/lib/store');
const { validate } = require('../api/lib/schema');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-edge-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const kept = (name) => path.join(root, 'deploy/edge', name);
const text = fs.readFileSync(kept('edge.yaml'), 'utf8');
const targets = run(['edge', '--targets']).stdout.split('\n').filter(Boolean);
const schema = JSON.parse(fs.readFileSync(kept('edge.schema.json'), 'utf8'));

let made = 0;
function check(policy) {
  const file = path.join(folder, `${(made += 1)}.yaml`);
  fs.writeFileSync(file, policy);
  const { status, stderr } = run(['edge', '--policy', file]);
  return { status, said: stderr.replace('overround edge: ', '').replace(file, 'FILE').trim() };
}

function filesBelow(at) {
  if (!fs.existsSync(at)) return [];
  return fs
    .readdirSync(at, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(at, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

describe('what is kept in deploy/edge', () => {
  test('the schema is the table\'s', () => {
    const { stdout } = run(['edge', '--schema']);
    assert.equal(stdout, fs.readFileSync(kept('edge.schema.json'), 'utf8'));
  });

  for (const target of targets) {
    test(`${target} is current: make edge`, () => {
      const fresh = path.join(folder, target);
      const { status, stderr } = run(['edge', '--for', target, '--policy', kept('edge.yaml'),
        '--out', fresh]);
      assert.equal(status, 0, stderr);
      const files = filesBelow(fresh);
      assert.ok(files.length > 0);
      for (const file of files) {
        const read = (at) => fs.readFileSync(path.join(at, file), 'utf8');
        assert.ok(fs.existsSync(path.join(kept(target), file)), `${target}/${file} is missing`);
        assert.equal(read(fresh), read(kept(target)), `${target}/${file}`);
      }
      const left = filesBelow(kept(target)).filter(
        (file) =>
          !file.includes('node_modules') && !files.includes(file) &&
          fs.readFileSync(path.join(kept(target), file), 'utf8').includes(
            `Written by \`overround edge --for ${target}\``),
      );
      assert.deepEqual(left, [], 'nobody writes these any more');
    });
  }
});

describe('a policy', () => {
  test('that is kept is well', () => {
    assert.deepEqual(check(text), { status: 0, said: '' });
  });

  // What becomes of it when this stands for that: the line is the replaced one's.
  const refused = [
    [/^hostnames:/m, 'hostname:', 'hostname: there is no such section'],
    [/port: 443/, 'port: 70000', 'origins[0].port: must be a number from 1 to 65535'],
    [/port: 443/, 'port: 0443', 'origins[0].port: must be a number from 1 to 65535'],
    [/tls: true/, 'tls: yes', 'origins[0].tls: must be true or false'],
    [/release: stable/, 'release: blue', 'origins[0].release: must be one of stable|canary'],
    [/host: origin\.example\.com/, 'host: "a;b"', 'origins[0].host: must be a host\'s name'
      + ' or an address'],
    [/host: origin\.example\.com/, 'hosts: a', 'origins[0].hosts: there is no such key'],
    [/\[CU, IR/, '[Cu, IR', 'jurisdictions[4].countries: must be a country\'s two capital letters'],
    [/\[CU, IR/, '[CU, CU', 'jurisdictions[4].countries: has a word twice'],
    [/- sqlmap/, '- "a\\"b"', 'bots.agents: must be words of letters, digits and . _ / ; + -'],
    [/- 192\.0\.2\.0\/24/, '- 192.0.2.0/33', 'cdn.networks: must be a network such as'
      + ' 192.0.2.0/24 or 2001:db8::/32'],
    [/per_network: 300/, 'per_address: 300', 'rates.login.per_address: is there twice'],
    [/unnamed: refused/, 'unnamed: *other', 'bots.unnamed: an alias is not read'],
    [/unnamed: refused/, 'unnamed: !!str refused', 'bots.unnamed: a tag is not read'],
    [/percent: 0/, 'percent: [0]', 'canary.percent: must be one word'],
  ];
  for (const [from, to, why] of refused) {
    test(`with ${to} is refused: ${why}`, () => {
      const line = text.slice(0, text.search(from)).split('\n').length;
      assert.deepEqual(check(text.replace(from, to)), { status: 1, said: `FILE:${line}: ${why}` });
    });
  }

  const together = [
    [/operator: desk/, 'operator: www', /hostnames: operator is also a name of customers'$/],
    [/host: origin\./, 'host: desk.', /origins: leads to the operator listener$/],
    [/host: origin\./, 'host: WWW.', /origins: leads back to the edge$/],
    [/release: stable/, 'release: canary', /origins: none is of the stable release$/],
    [/percent: 0/, 'percent: 5\n  percents: 1', /canary.percents: there is no such key$/],
    [/\[CU, IR/, '[US, IR', /jurisdictions: has a country that another jurisdiction has$/],
    [/\[CU, IR/, '[XX, IR', /jurisdictions: has XX, which is countries.unknown$/],
    [/^rates:\n {2}login:[^]*?money:/m, 'rates:\n  money:', /rates.login: is missing$/],
    [/^ {2}stream:$/m, '  operator:', /rates.operator: there is no such class$/],
    [/ {2}elsewhere: refused\n/, '', /countries.elsewhere: is missing$/],
    [/$/, '---\nhostnames: {}\n', /a second document follows$/],
  ];
  for (const [from, to, why] of together) {
    test(`with ${JSON.stringify(to)} is refused: ${why}`, () => {
      const { status, said } = check(text.replace(from, to));
      assert.equal(status, 1);
      assert.match(said, /^FILE:\d+: /);
      assert.match(said, why);
    });
  }

  test('that is no mapping, empty or not YAML is refused', () => {
    for (const policy of ['', '- a\n', '"a', 'a: [', '\u0000', '{}']) {
      const { status, said } = check(policy);
      assert.equal(status, 1, policy);
      assert.match(said, /^FILE:\d+: /, policy);
    }
  });

  test('has what is left out by default', () => {
    const some =
      /^(canary|bots|stuffing|cdn|tls|node|networks|connections|signing):\n( .*\n|\n)*/gm;
    const short = text.replace(some, '');
    assert.ok(short.length < text.length);
    assert.deepEqual(check(short), { status: 0, said: '' });
  });
});

// One value of each kind, to the reader and to the schema.
describe('the schema and the reader take the same', () => {
  const at = (from, ...keys) => keys.reduce((s, key) => s.properties?.[key] ?? s.items, from);
  const host = at(schema, 'hostnames', 'public');
  const well = (part, value) => validate(part, value, () => undefined).length === 0;
  const kinds = [
    ['hosts', host, /public: .*/, (v) => `public: ${JSON.stringify(v)}`,
      ['a', 'a.b-c.d9', 'A.example', '10.0.0.1', '::1', '2001:db8::7'],
      ['', '-a', 'a-', 'a..b', '.a', 'a.', 'a b', 'a_b', 'a/b', '$a', 'a:b{', 'ä']],
    ['files', at(schema, 'node', 'cache'), /cache: .*/, (v) => `cache: ${JSON.stringify(v)}`,
      ['', '/a', '/a/b-c_d.e'], ['a', '/', '/a/', '/a//b', '/a b', '/a;b', '/ä']],
    ['names', at(schema, 'signing', 'secret'), /secret: .*/, (v) => `secret: ${JSON.stringify(v)}`,
      ['A', 'a-b_9'], ['', '9a', '-a', 'a.b', 'a b', 'a$']],
    ['numbers', at(schema, 'canary', 'percent'), /percent: .*/, (v) => `percent: ${v}`,
      [0, 1, 99], [-1, 101, 1.5, 'x']],
    ['agents', at(schema, 'bots', 'agents').items, /- sqlmap/, (v) => `- ${JSON.stringify(v)}`,
      ['a', 'a/1.0 b', 'x-y_z;1+'], ['', ' a', 'a ', 'a  b', 'a(b', 'a"b', 'a\\b']],
    ['countries', at(schema, 'jurisdictions', 'countries', 'countries').items, /\[CU,/,
      (v) => `[${JSON.stringify(v)},`, ['CL', 'NI'], ['', 'c1', 'C', 'CUB', 'cu']],
  ];
  for (const [name, part, from, put, good, bad] of kinds) {
    test(name, () => {
      for (const value of good) {
        assert.ok(well(part, value), `the schema refuses ${value}`);
        assert.equal(check(text.replace(from, put(value))).said, '', `${value}`);
      }
      for (const value of bad) {
        assert.ok(!well(part, value), `the schema takes ${value}`);
        assert.equal(check(text.replace(from, put(value))).status, 1, `the reader takes ${value}`);
      }
    });
  }
});

describe('a suspension', () => {
  test('is at everybody\'s within two seconds', () => {
    const rows = [...fs.readFileSync(path.join(root, 'src/tbl/caching.h'), 'utf8').matchAll(
      /^CACHING\((\w+), (\d+), (\d+), (\d+), (\d+),/gm)];
    const row = rows.find(([, name]) => name === 'SNAPSHOT');
    const [, , maxAge, sMaxage, revalidate] = row.map(Number);
    assert.equal(maxAge, 0);
    assert.ok(sMaxage >= 1 && sMaxage + revalidate <= 2);
  });
});
