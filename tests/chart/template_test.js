// What the templates promise, object by object.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { chart, helm, render, scenarios } = require('./lib/chart');
const { readAll } = require('./lib/yaml');

const ROLES = ['feed', 'odds', 'bets', 'settle', 'web'];
const name = (what) => `rel-overround${what ? `-${what}` : ''}`;
const everything = 'ci/everything-values.yaml';
const container = (object) => object.spec.template.spec.containers[0];
const portsOf = (object) => container(object).ports.map((port) => port.name);
const within = (selector, labels) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

test('every pod passes PSA restricted and reads nothing of the API', () => {
  for (const files of scenarios()) {
    for (const { name: whose, object, pod } of render(...files).pods()) {
      const { spec } = pod;
      assert.equal(spec.automountServiceAccountToken, false, whose);
      assert.equal(spec.enableServiceLinks, false, whose);
      assert.equal(spec.securityContext.runAsNonRoot, true, whose);
      assert.equal(spec.securityContext.runAsUser, 65532, whose);
      assert.deepEqual(spec.securityContext.seccompProfile, { type: 'RuntimeDefault' }, whose);
      for (const each of spec.containers) {
        assert.deepEqual(each.securityContext.capabilities, { drop: ['ALL'] }, whose);
        assert.equal(each.securityContext.allowPrivilegeEscalation, false, whose);
        if (each.name === 'sidecar') continue; // of ci/patches-values.yaml
        assert.equal(each.securityContext.readOnlyRootFilesystem, true, whose);
        assert.ok(each.resources.requests.cpu && each.resources.limits.memory, whose);
        assert.equal(each.resources.limits.cpu, undefined, whose);
      }
      assert.ok(object.metadata.namespace === 'house', whose);
    }
  }
});

test('a role is a Deployment that updates without a pod less', () => {
  const all = render('ci/roles-minimal-values.yaml');
  assert.equal(all.of('Deployment').length, 5);
  for (const role of ROLES) {
    const { spec } = all.get('Deployment', name(role));
    assert.deepEqual(spec.strategy.rollingUpdate,
      { maxSurge: role === 'web' ? '25%' : 1, maxUnavailable: 0 });
    assert.equal(spec.replicas, 2);
    assert.ok(container({ spec }).args.includes(`--role=${role}`));
    const { spec: budget } = all.get('PodDisruptionBudget', name(role));
    assert.equal(budget.maxUnavailable, 1);
    assert.ok(within(budget.selector.matchLabels, spec.template.metadata.labels));
    assert.deepEqual(spec.template.spec.topologySpreadConstraints.map((each) => each.topologyKey),
      ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
  }
});

test('roles without customers have the operators\' port alone', () => {
  const all = render('ci/roles-minimal-values.yaml');
  for (const role of ROLES) {
    const isPublic = role === 'bets' || role === 'web';
    const deployment = all.get('Deployment', name(role));
    const ports = isPublic ? ['http', 'ops'] : ['ops'];
    assert.deepEqual(portsOf(deployment), ports);
    assert.equal(container(deployment).args.includes('--listen=0.0.0.0:8080'), isPublic);
    const service = all.get('Service', name(role));
    assert.deepEqual(service.spec.ports.map((each) => each.name), ports);
    assert.equal(service.spec.type, 'ClusterIP');
    assert.ok(within(service.spec.selector, deployment.spec.template.metadata.labels));
  }
});

test('probes mean what they say: only readiness asks for the store', () => {
  for (const object of [render('ci/roles-minimal-values.yaml').get('Deployment', name('bets')),
    render().get('StatefulSet', name())]) {
    const { livenessProbe, readinessProbe, startupProbe } = container(object);
    for (const probe of [livenessProbe, startupProbe])
      assert.deepEqual(probe.httpGet, { path: '/healthz', port: 'ops' });
    assert.deepEqual(readinessProbe.httpGet, { path: '/readyz', port: 'ops' });
    // a book of hours of log is read before anybody listens
    assert.ok(startupProbe.periodSeconds * startupProbe.failureThreshold >= 120);
    assert.ok(livenessProbe.periodSeconds * livenessProbe.failureThreshold >= 30);
    assert.ok(readinessProbe.periodSeconds * readinessProbe.failureThreshold <= 5);
  }
});

test('a pod sleeps before it drains, and has time for both', () => {
  const of = (...values) => render(...values).get('StatefulSet', name()).spec.template.spec;
  const stop = (pod) => pod.containers[0].lifecycle?.preStop;
  assert.deepEqual(stop(of()), { sleep: { seconds: 5 } });
  assert.equal(of().terminationGracePeriodSeconds, 45);
  assert.equal(of('config.drain-s=60').terminationGracePeriodSeconds, 75);
  assert.equal(of('single.config.drain-s=20').terminationGracePeriodSeconds, 35);
  assert.equal(of('lifecycle.preStopSeconds=15').terminationGracePeriodSeconds, 55);
  const longer = of('lifecycle.terminationGracePeriodSeconds=300');
  assert.equal(longer.terminationGracePeriodSeconds, 300);
  assert.equal(stop(of('lifecycle.preStopSeconds=0')), undefined);
  assert.deepEqual(stop(of('ci/old-prestop-values.yaml')),
    { exec: { command: ['overround', 'sleep', '10'] } });
});

test('on an older Kubernetes the binary sleeps', () => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-chart-'));
  fs.cpSync(chart, copy, { recursive: true });
  fs.writeFileSync(path.join(copy, 'Chart.yaml'), fs.readFileSync(path.join(chart, 'Chart.yaml'),
    'utf8').replace('>=1.30.0-0', '>=1.25.0-0'));
  const out = helm(['template', 'rel', copy, '--kube-version', '1.29.4']);
  fs.rmSync(copy, { recursive: true });
  assert.equal(out.status, 0, out.stderr);
  const set = readAll(out.stdout).find((each) => each.kind === 'StatefulSet');
  assert.deepEqual(container(set).lifecycle.preStop.exec.command, ['overround', 'sleep', '5']);
});

test('an autoscaler\'s role has no number of its own', () => {
  const all = render(everything);
  for (const role of ['odds', 'bets', 'settle', 'web']) {
    assert.ok(!('replicas' in all.get('Deployment', name(role)).spec), role);
    const { spec } = all.get('HorizontalPodAutoscaler', name(role));
    assert.deepEqual(spec.scaleTargetRef,
      { apiVersion: 'apps/v1', kind: 'Deployment', name: name(role) });
    assert.equal(spec.behavior.scaleUp.stabilizationWindowSeconds, 0);
    assert.ok(spec.behavior.scaleDown.stabilizationWindowSeconds >= 300);
    assert.equal(spec.metrics[0].resource.name, 'cpu');
  }
  assert.equal(all.get('Deployment', name('feed')).spec.replicas, 2);
  const own = Object.fromEntries(all.of('HorizontalPodAutoscaler').map(({ metadata, spec }) =>
    [metadata.name, spec.metrics[1]?.pods.metric.name]));
  assert.deepEqual(own, {
    [name('bets')]: 'overround_queue_delay_seconds',
    [name('odds')]: undefined,
    [name('settle')]: 'overround_settle_lag_seconds',
    [name('web')]: 'overround_stream_clients',
  });
});

test('KEDA: lag of the group that really reads the topic, the forecast, no HPA beside it', () => {
  const all = render('ci/keda-values.yaml');
  assert.equal(all.of('HorizontalPodAutoscaler').length, 0);
  const triggers = (role) => all.get('ScaledObject', name(role)).spec.triggers;
  const lag = (role) => triggers(role).find((each) => each.type === 'kafka').metadata;
  assert.equal(lag('odds').bootstrapServers, 'a:9092,b:9092');
  assert.deepEqual([lag('odds').consumerGroup, lag('odds').topic], ['house.odds', 'house.feed']);
  assert.deepEqual([lag('settle').consumerGroup, lag('settle').topic],
    ['house.settle', 'house.results']);
  const cron = triggers('bets').find((each) => each.type === 'cron');
  assert.deepEqual([cron.name, cron.metadata.desiredReplicas], ['final', '10']);
  const query = triggers('bets').find((each) => each.type === 'prometheus').metadata;
  assert.match(query.query, /overround_queue_delay_seconds\{namespace="house"/);
  assert.equal(query.threshold, '0.05');
  assert.ok(!('replicas' in all.get('Deployment', name('bets')).spec));
});

test('tracks do not overlap, and share the gateway by weight', () => {
  const all = render(everything);
  const deployments = all.of('Deployment');
  for (const one of deployments) {
    const chosen = deployments.filter((other) =>
      within(one.spec.selector.matchLabels, other.spec.template.metadata.labels));
    assert.deepEqual(chosen.map((each) => each.metadata.name), [one.metadata.name]);
  }
  for (const role of ['bets', 'web']) {
    const stable = all.get('Deployment', name(role));
    const canary = all.get('Deployment', name(`${role}-canary`));
    assert.equal(container(stable).image, 'localhost/overround:0.9.0');
    assert.equal(container(canary).image, 'localhost/overround:0.10.0');
    const service = all.get('Service', name(role)).spec.selector;
    assert.ok(within(service, stable.spec.template.metadata.labels));
    assert.ok(!within(service, canary.spec.template.metadata.labels));
    assert.ok(within(all.get('Service', name(`${role}-canary`)).spec.selector,
      canary.spec.template.metadata.labels));
    // one budget over both: a pod may have no more
    const budget = all.get('PodDisruptionBudget', name(role)).spec.selector.matchLabels;
    assert.ok(within(budget, canary.spec.template.metadata.labels));
  }
  for (const rule of all.get('HTTPRoute', name()).spec.rules) {
    assert.deepEqual(rule.backendRefs.map((each) => each.weight), [90, 10]);
    assert.equal(rule.backendRefs[1].name, `${rule.backendRefs[0].name}-canary`);
  }
});

test('a release\'s stable selectors and names are the same with a canary and without', () => {
  const before = render('ci/canary-values.yaml', 'canary.enabled=false');
  const after = render('ci/canary-values.yaml', 'canary.weight=100', 'image.tag=1.0.0');
  for (const one of before.of('Deployment')) {
    const other = after.get('Deployment', one.metadata.name);
    assert.deepEqual(one.spec.selector, other.spec.selector);
  }
  assert.deepEqual(after.get('HTTPRoute', name()).spec.rules[0].backendRefs.map((b) => b.weight),
    [0, 100]);
});

test('a canary of settings has its own ConfigMap, whole', () => {
  const all = render(everything);
  const stable = all.get('ConfigMap', name()).data;
  const canary = all.get('ConfigMap', name('canary')).data;
  assert.deepEqual(canary, { ...stable, OVERROUND_EXPERIMENTS: 'slip=control:50/quick:50' });
  assert.equal(stable.OVERROUND_PAYOUT_MAX, '2000000');
  const from = (which) => container(all.get('Deployment', name(which))).envFrom;
  assert.deepEqual(from('bets'), [{ configMapRef: { name: name() } }]);
  assert.deepEqual(from('bets-canary'), [{ configMapRef: { name: name('canary') } }]);
});

test('a setting that changes rolls the pods; nothing else about them changes', () => {
  const pod = (...values) => render('ci/roles-minimal-values.yaml', ...values)
    .get('Deployment', name('web')).spec.template;
  const [one, two] = [pod(), pod('config.stream-tick-ms=50')];
  const key = 'overround/config';
  assert.notEqual(one.metadata.annotations[key], two.metadata.annotations[key]);
  two.metadata.annotations[key] = one.metadata.annotations[key];
  assert.deepEqual(one, two);
});

test('paths go where nginx sends them, operators\' only when asked for', () => {
  const all = render(everything);
  const where = (route) => all.get('HTTPRoute', route).spec.rules.flatMap((rule) =>
    rule.matches.map(({ path: at }) =>
      [at.value, ...(rule.backendRefs ?? []).flatMap((to) => [to.name, to.port]).slice(0, 2)]));
  assert.deepEqual(where(name()), [
    ...['bets', 'wallet', 'accounts', 'sessions', 'limits', 'exclusion']
      .map((each) => [`/v1/${each}`, name('bets'), 80]),
    ['/', name('web'), 80],
  ]);
  assert.deepEqual(where(name('operator')), [
    ['/metrics'], // nobody's: each process is scraped by itself
    ['/v1/feed', name('feed'), 8081], ['/v1/desk/feed', name('feed'), 8081],
    ['/v1/desk/holds', name('bets'), 8081], ['/v1/reports', name('settle'), 8081],
    ['/', name('web'), 8081],
  ]);
  assert.equal(render('ci/canary-values.yaml').of('HTTPRoute').length, 1);
  const { spec } = render('ci/ingress-values.yaml').get('Ingress', name());
  const paths = spec.rules[0].http.paths.map((each) => [each.path, each.backend.service.name]);
  assert.equal(paths.length, 7);
  assert.deepEqual(paths[0], ['/v1/bets', name('bets')]);
  assert.deepEqual(paths[6], ['/', name('web')]);
});

test('network policies deny all, then open each role\'s paths', () => {
  const all = render(everything);
  const basis = all.get('NetworkPolicy', name('default')).spec;
  assert.deepEqual(basis.policyTypes, ['Ingress', 'Egress']);
  assert.equal(basis.ingress, undefined);
  assert.deepEqual(basis.egress.flatMap((each) => each.ports),
    [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }]);
  const out = (which) => all.get('NetworkPolicy', name(which)).spec.egress
    .flatMap((each) => each.ports.map((port) => port.port));
  const store = [5432, 9092];
  assert.deepEqual(out('bets'), store);
  assert.deepEqual(out('web'), store);
  assert.deepEqual(out('odds'), store);
  assert.deepEqual(out('settle'), [...store, 8123]);
  assert.deepEqual(out('feed'), [...store, 443, 5671]);
  assert.deepEqual(out('jobs'), [5432, 443]);
  const into = (role) => all.get('NetworkPolicy', name(role)).spec.ingress
    .map((each) => each.ports[0].port);
  assert.deepEqual(into('bets'), [8080, 8081]);
  assert.deepEqual(into('settle'), [8081]);
  for (const { object, pod } of all.pods()) {
    const labels = object.kind === 'Pod' ? object.metadata.labels : pod.metadata.labels;
    const chosen = all.of('NetworkPolicy').filter(({ spec }) =>
      within(spec.podSelector.matchLabels, labels));
    assert.ok(chosen.length === 2 && chosen.includes(all.get('NetworkPolicy', name('default'))),
      `${object.kind} ${object.metadata.name}: ${chosen.map((each) => each.metadata.name)}`);
  }
});

test('where spans go to a collector, each role may call it, and no job', () => {
  const all = render(everything, 'config.trace-otlp=http://collector:4318');
  const calls = (which) => all.get('NetworkPolicy', name(which)).spec.egress
    .flatMap((each) => each.ports.map((port) => port.port)).includes(4318);
  for (const role of ['feed', 'odds', 'bets', 'settle', 'web']) assert.ok(calls(role), role);
  assert.ok(!calls('jobs'));
});

test('secrets go by reference, to those who need them', () => {
  const all = render(everything);
  const secrets = (role) => Object.fromEntries(container(all.get('Deployment', name(role))).env
    .filter((each) => each.valueFrom).map((each) => [each.name, each.valueFrom.secretKeyRef]));
  const common = {
    OVERROUND_STORE: { name: 'store', key: 'url' },
    OVERROUND_OPERATOR_TOKEN: { name: 'operator', key: 'token' },
    OVERROUND_KAFKA_CONF: { name: 'kafka', key: 'kafka-conf' },
  };
  for (const role of ['odds', 'web']) assert.deepEqual(secrets(role), common);
  assert.deepEqual(secrets('bets'), {
    ...common, OVERROUND_EDGE_SECRET: { name: 'edge', key: 'secret' },
    OVERROUND_EDGE_SECRET_FORMER: { name: 'edge', key: 'former', optional: true },
  });
  assert.deepEqual(secrets('settle'),
    { ...common, OVERROUND_ANALYTICS: { name: 'clickhouse', key: 'url' } });
  assert.deepEqual(secrets('feed'), {
    ...common, OVERROUND_AMQP_URL: { name: 'amqp', key: 'url' },
    OVERROUND_RECOVERY_TOKEN: { name: 'recovery', key: 'token' },
  });
  assert.equal(all.of('Secret').length, 0);
});

test('the migration runs before the pods, by the newest image there is', () => {
  const job = render(everything).get('Job', name('migrate'));
  assert.equal(job.metadata.annotations['helm.sh/hook'], 'pre-install,pre-upgrade');
  assert.deepEqual(container(job).args, ['migrate']);
  assert.equal(container(job).image, 'localhost/overround:0.10.0');
  assert.equal(container(job).env.length, 1);
  assert.ok(job.spec.backoffLimit > 0 && job.spec.ttlSecondsAfterFinished > 0);
  assert.equal(render().of('Job').length, 0); // SQLite's server does it
  assert.equal(render('ci/single-postgres-values.yaml').of('Job').length, 1);
});

test('the books are proven every day, once for a store, under the name the alarm knows', () => {
  const { spec } = render('profiles/production.yaml').get('CronJob', name('audit'));
  const [container] = spec.jobTemplate.spec.template.spec.containers;
  assert.deepEqual(container.args, ['audit']);
  assert.deepEqual(container.env.map((each) => each.name), ['OVERROUND_STORE']);
  assert.match(name('audit'), /.*overround-audit.*/);
  for (const cluster of ['odds', 'web']) {
    const all = render('profiles/production.yaml', `profiles/clusters/${cluster}.yaml`);
    assert.ok(!all.of('CronJob').some((one) => /audit/.test(one.metadata.name)), cluster);
  }
  assert.equal(render('ci/single-emptydir-values.yaml').of('CronJob').length, 0);
});

test('one process: one StatefulSet, a volume that stays, backup beside it', () => {
  const all = render('profiles/small.yaml');
  const set = all.get('StatefulSet', name());
  assert.equal(set.spec.replicas, 1);
  assert.equal(set.spec.volumeClaimTemplates[0].metadata.name, 'data');
  assert.deepEqual(set.spec.persistentVolumeClaimRetentionPolicy,
    { whenDeleted: 'Retain', whenScaled: 'Retain' });
  assert.equal(all.of('Deployment').length, 0);
  for (const which of ['archive', 'audit', 'backup']) {
    const { spec } = all.get('CronJob', name(which)).spec.jobTemplate.spec.template;
    assert.equal(spec.containers[0].args[0], which);
    assert.deepEqual(spec.volumes.find((each) => each.name === 'data').persistentVolumeClaim,
      { claimName: `data-${name()}-0` });
    const near = spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0];
    assert.ok(within(near.labelSelector.matchLabels, set.spec.template.metadata.labels));
  }
  const trial = render('ci/single-emptydir-values.yaml').get('StatefulSet', name()).spec;
  assert.equal(trial.volumeClaimTemplates, undefined);
  assert.deepEqual(trial.template.spec.volumes.find((each) => each.name === 'data').emptyDir, {});
});

test('the archive goes to two stores, each with its own secret and address', () => {
  const container = (all) =>
    all.get('CronJob', name('archive')).spec.jobTemplate.spec.template.spec.containers[0];
  const { args, env } = container(render('ci/everything-values.yaml'));
  assert.deepEqual(args, ['archive', '--to', 's3://books/overround', '--lock-days', '1827',
    '--second', 's3://books-2/overround', '--second-endpoint', 'https://storage.googleapis.com']);
  const of = (key) => env.find((each) => each.name === key);
  assert.equal(of('AWS_ACCESS_KEY_ID').valueFrom.secretKeyRef.name, 's3');
  assert.deepEqual(of('SECOND_AWS_ACCESS_KEY_ID').valueFrom.secretKeyRef,
    { name: 'gcs', key: 'AWS_ACCESS_KEY_ID', optional: false });
  assert.equal(of('SECOND_AWS_REGION').value, 'auto');
  const one = container(render('ci/single-postgres-values.yaml'));
  assert.deepEqual(one.args, ['archive', '--to', 's3://books/overround', '--endpoint',
    'https://fsn1.your-objectstorage.com', '--virtual-host']);
  assert.ok(!one.env.some((each) => each.name.startsWith('SECOND_')));
});

test('the archive takes the keys of a service account\'s role', () => {
  const all = render('ci/single-postgres-values.yaml', 's3.existingSecret=',
    's3.serviceAccount=overround-archive', 'networkPolicy.enabled=true');
  const { spec } = all.get('CronJob', name('archive')).spec.jobTemplate.spec.template;
  assert.equal(spec.serviceAccountName, 'overround-archive');
  const names = spec.containers[0].env.map((each) => each.name);
  assert.ok(names.includes('AWS_REGION'));
  assert.deepEqual(names.filter((each) => /KEY|TOKEN/.test(each)), []);
  const audit = all.get('CronJob', name('audit')).spec.jobTemplate.spec.template.spec;
  assert.equal(audit.serviceAccountName, undefined);
  const policy = all.get('NetworkPolicy', name('jobs'));
  assert.ok(JSON.stringify(policy.spec.egress).includes('"169.254.170.23/32"'));
});

test('patches are merged by key, lists of named things by name; null removes', () => {
  const all = render('ci/patches-values.yaml');
  const { spec } = all.get('Deployment', name('bets')).spec.template;
  assert.equal(spec.runtimeClassName, 'gvisor');
  assert.deepEqual(spec.containers.map((each) => each.name), ['overround', 'sidecar']);
  const [own] = spec.containers;
  assert.equal(own.livenessProbe, undefined);
  assert.ok(own.env.some((each) => each.name === 'OVERROUND_STORE'));
  assert.ok(own.env.some((each) => each.name === 'MALLOC_ARENA_MAX' && each.value === '2'));
  assert.ok(own.readinessProbe);
  assert.equal(all.get('Deployment', name('web')).spec.template.spec.runtimeClassName, undefined);
  for (const budget of all.of('PodDisruptionBudget')) assert.equal(budget.spec.maxUnavailable, 2);
  assert.deepEqual(all.get('ConfigMap', 'more').data, { a: 'b' });
});

test('money before prices before web', () => {
  const all = render(everything);
  const value = (role) => all.get('PriorityClass',
    all.get('Deployment', name(role)).spec.template.spec.priorityClassName).value;
  assert.ok(value('bets') > value('odds') && value('odds') > value('web'));
  assert.equal(value('settle'), value('bets'));
  assert.equal(value('feed'), value('odds'));
});

test('a cluster of its own for bets and settle, feed and odds, web', () => {
  const of = (which) => render('profiles/production.yaml', `profiles/clusters/${which}.yaml`);
  const roles = (all) => all.of('Deployment').map((each) => each.metadata.name.split('-').at(-1));
  const [bets, odds, web] = ['bets', 'odds', 'web'].map(of);
  assert.deepEqual(roles(bets).sort(), ['bets', 'settle']);
  assert.deepEqual(roles(odds).sort(), ['feed', 'odds']);
  assert.deepEqual(roles(web), ['web']);
  assert.deepEqual([bets, odds, web].map((all) => all.of('Job').length), [1, 0, 0]);
  assert.deepEqual([bets, odds, web].map((all) => all.of('CronJob').length), [2, 0, 0]);
  const backends = (all) => all.of('HTTPRoute').filter((each) => each.metadata.name === name())
    .flatMap((each) => each.spec.rules.map((rule) => rule.backendRefs[0].name));
  assert.deepEqual(backends(bets), [name('bets')]);
  assert.deepEqual(backends(odds), []);
  assert.deepEqual(backends(web), [name('web')]);
});

test('helm test places a bet where it can', () => {
  const pod = render(everything).get('Pod', name('test'));
  assert.equal(pod.metadata.annotations['helm.sh/hook'], 'test');
  assert.deepEqual(pod.spec.containers[0].args, ['smoke', '--url', `http://${name('web')}`,
    '--bets-url', `http://${name('bets')}`, '--operator-url', `http://${name('feed')}:8081`,
    '--country', 'XX', '--address', '$(POD_IP)']); // it signs as the edge would
  assert.deepEqual(pod.spec.containers[0].env.map((each) => each.name),
    ['OVERROUND_OPERATOR_TOKEN', 'OVERROUND_EDGE_SECRET', 'POD_IP']);
  const single = render('profiles/small.yaml').get('Pod', name('test'));
  assert.ok(single.spec.containers[0].args.includes(`http://${name()}:8081`));
  assert.equal(render().of('Pod').length, 0); // there is no token to give
});
