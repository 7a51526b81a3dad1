// Values that are wrong are refused, and the fault is named: what is misspelt by
// the schema, what contradicts itself by the chart.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { refusal, render } = require('./lib/chart');

const roles = ['mode=roles', 'store.existingSecret=s', 'bus.url=kafka://k:9092'];
const gateway = '{"gateway":{"enabled":true,"parentRefs":[{"name":"public"}]}}';

const broken = [
  // misspelt
  [['stor.url=x'], /stor/],
  [['config.lane=3'], /lane\b/],
  [['config.store=postgres://a/b'], /config.*store/s],
  [['roles.bet.replicas=3'], /bet\b/],
  [['roles.bets.replica=3'], /replica\b/],
  [['roles.bets.config.stake-maxx=1'], /stake-maxx/],
  [['canary.config.lanez=1'], /lanez/],
  [['roles.web.pdb.minAvailable=1'], /minAvailable/],
  [['roles.bets.resources.requests.cpus=1'], /cpus/],
  [['gateway.parentRef=x'], /parentRef\b/],
  [['networkPolicy.postgres.port=5432'], /port\b/],
  // of the wrong kind, or out of range
  [['mode=cluster'], /mode/],
  [['roles.bets.replicas=two'], /replicas/],
  [['canary.weight=101'], /weight/],
  [['config.lanes=-1'], /lanes/],
  [['config.lanes=many'], /lanes/],
  [['config.stake-max=1.234'], /stake-max/],
  [['lifecycle.preStopSeconds=-1'], /preStopSeconds/],
  [['lifecycle.native=yes'], /native/],
  [['image.digest=sha256:abc'], /digest/],
  [['image.repository=localhost/overround:1.0'], /repository/],
  [['store.url=mysql://a/b'], /store.*url/s],
  [['bus.url=amqp://a'], /bus.*url/s],
  [['topologySpread.zone=Sometimes'], /zone/],
  [['roles.feed.autoscaling.enabled=true'], /feed.*autoscaling/s],
  [['roles.bets.autoscaling.kafkaLag=5'], /kafkaLag/],
  [['archive.to=/var/backup'], /archive.*to/s],
  [['listen=localhost'], /listen/],
  // contradictions
  [['mode=roles'], /store\.existingSecret must name/],
  [['mode=roles', 'store.existingSecret=s'], /bus\.url must be kafka/],
  [['store.url=postgres://a/b', 'store.existingSecret=s'], /not both/],
  [['bus.url=kafka://k:9092'], /mode single/],
  [['canary.enabled=true'], /mode single/],
  [['roles.web.autoscaling.enabled=true'], /mode single/],
  [['lifecycle.terminationGracePeriodSeconds=44'],
    /44 is less than preStopSeconds 5 \+ drain-s 30/],
  [[...roles, 'roles.bets.config.drain-s=60', 'lifecycle.terminationGracePeriodSeconds=70'],
    /70 is less than .*drain-s 60/],
  [[...roles, 'roles.web.autoscaling.enabled=true', 'roles.web.autoscaling.min=30'],
    /min 30 is above max 20/],
  [[...roles, '{"roles":{"web":{"autoscaling":{"enabled":true,"forecast":[{"name":"final",' +
    '"start":"0 1 * * *","end":"0 2 * * *","replicas":9,"timezone":"UTC"}]}}}}'], /needs .*keda/],
  [[...roles, gateway, 'canary.enabled=true', 'canary.weight=5', 'canary.roles.bets.replicas=0'],
    /no pods for a weight of 5/],
  [[...roles, 'canary.enabled=true', 'canary.weight=5', 'ingress.enabled=true',
    'ingress.hosts={a.example}'], /Ingress has no weights/],
  [[...roles, 'gateway.enabled=true'], /gateway\.parentRefs/],
  [[...roles, gateway, 'gateway.operator.enabled=true'], /gateway\.operator\.parentRefs/],
  [[...roles, gateway,
    '{"gateway":{"operator":{"enabled":true,"parentRefs":[{"name":"public"}]}}}'],
  /is the public Gateway/],
  [[...roles, gateway, 'ingress.enabled=true', 'ingress.hosts={a.example}'], /one of them/],
  [['ingress.enabled=true'], /ingress\.hosts/],
  [['archive.enabled=true', 'archive.to=s3://a/b'], /s3\.existingSecret/],
  [['s3.existingSecret=s', 's3.serviceAccount=a'], /not both/],
  [['archive.enabled=true', 's3.existingSecret=s'], /archive\.to must be/],
  [['archive.enabled=true', 's3.existingSecret=s', 'archive.to=s3://a/b',
    'archive.second=s3://c/d'], /s3\.second\.existingSecret must name/],
  [['archive.secondLockDays=9'], /secondLockDays: needs archive\.second/],
  [['archive.lockDays=-1'], /lockDays/],
  [['single.backup.enabled=true', 'store.existingSecret=s'], /single\.backup: is of SQLite/],
  [['{"patches":[{"kind":"Deployment","name":"bet","patch":{"spec":{}}}]}', ...roles],
    /patches\[0\]: there is no Deployment bet; there are: .*rel-overround-bets/],
  [['{"patches":[{"kind":"Deployment","name":"bets"}]}'], /patch/],
];

for (const version of ['helm3', 'helm4']) {
  test(`${version} refuses ${broken.length} broken values by name`, () => {
    for (const [values, why] of broken) assert.match(refusal(values, version), why, `${values}`);
  });
}

test('every setting of the table may be given, but for those that other values set', () => {
  const { chart, root } = require('./lib/chart');
  const fs = require('node:fs');
  const table = fs.readFileSync(`${root}/docs/CONFIG.md`, 'utf8');
  const names = [...table.matchAll(/^\| `--([^`]+)`/gm)].map((found) => found[1]);
  const schema = JSON.parse(fs.readFileSync(`${chart}/values.schema.json`, 'utf8'));
  const given = Object.keys(schema.definitions.config.properties);
  assert.deepEqual(names.filter((name) => !given.includes(name)).sort(), ['amqp-url', 'analytics',
    'bus', 'edge-secret', 'edge-secret-former', 'kafka-conf', 'listen', 'operator-listen',
    'operator-token', 'recovery-token', 'role', 'store']);
  const all = Object.fromEntries(given.map((name) => [name, '1']));
  const { data } = render(JSON.stringify({ config: { ...all, 'drain-s': '30' } }))
    .get('ConfigMap', 'rel-overround');
  assert.equal(Object.keys(data).length, given.length);
});
