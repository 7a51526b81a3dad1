// The chart of an edge node: what its values make, what they refuse, and that its policy is
// the one the program takes.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { makeFolder } = require('../api/lib/store');
const { edgeChart, edgeScenarios, helm, refusal, renderOf, root, valueArguments } =
  require('./lib/chart');

const render = (...values) => renderOf(edgeChart, ...values);
const refused = (...values) => refusal(values, 'helm4', edgeChart);
const MINIMAL = 'ci/minimal-values.yaml';
const EVERYTHING = 'ci/everything-values.yaml';
const NAME = 'rel-overround-edge';

const workloadOf = (objects) => objects.all.find(({ kind }) =>
  ['Deployment', 'DaemonSet'].includes(kind));
const textOf = ({ spec }) => spec.template.metadata.annotations['overround.dev/edge.yaml'];
const policyOf = (objects) => JSON.parse(textOf(workloadOf(objects)));

for (const version of ['helm3', 'helm4']) {
  test(`${version} lints every scenario`, () => {
    for (const files of edgeScenarios()) {
      const out = helm(['lint', '--strict', '.', ...valueArguments(files)],
        { version, cwd: edgeChart });
      assert.equal(out.status, 0, `${files}: ${out.stdout}${out.stderr}`);
    }
  });
}

describe('the policy', () => {
  test('is taken by the program, in every scenario', () => {
    const file = path.join(makeFolder('overround-edge-chart'), 'edge.yaml');
    for (const files of edgeScenarios()) {
      fs.writeFileSync(file, textOf(workloadOf(render(...files))));
      const out = spawnSync(path.join(root, 'build/overround'), ['edge', '--policy', file],
        { encoding: 'utf8' });
      assert.equal(out.status, 0, `${files}: ${out.stderr}`);
    }
  });

  test('has NO as a country, a million as a number, and the chart\'s own files', () => {
    const policy = policyOf(render(EVERYTHING));
    assert.deepEqual(policy.jurisdictions[0].countries, ['NO', 'SE']);
    assert.equal(policy.rates.read.per_address, 1000000);
    assert.match(textOf(workloadOf(render(EVERYTHING))), /: 1000000,/);
    assert.deepEqual(policy.node, {
      cache_mb: 512, passed_s: 1000, streams_s: 100, listen: '0.0.0.0', port: 8443,
      run: '/run/overround-edge', cache: '/var/cache/overround-edge',
      certificate: '/run/overround-edge/tls.pem', geoip: '/var/lib/overround-edge/country.mmdb',
    });
    assert.equal(policyOf(render(MINIMAL)).node.certificate, undefined);
  });

  test('is the pods\' own: another one rolls them out, and an old pod keeps the old one', () => {
    const template = (...values) => workloadOf(render(MINIMAL, ...values)).spec.template;
    assert.notDeepEqual(template(), template('policy.countries.unknown=refused'));
    assert.deepEqual(template(), template('replicas=5'));
    const [{ downwardAPI }] = template().spec.volumes;
    assert.deepEqual(downwardAPI.items.map(({ path: at, fieldRef }) => [at, fieldRef.fieldPath]),
      [['edge.yaml', 'metadata.annotations[\'overround.dev/edge.yaml\']']]);
  });

  test('is looked at before anything is changed, by a job with the same words', () => {
    const objects = render(EVERYTHING);
    const job = objects.get('Job', `${NAME}-check`);
    assert.equal(job.metadata.annotations['helm.sh/hook'], 'pre-install,pre-upgrade');
    assert.equal(textOf(job), textOf(workloadOf(objects)));
    assert.deepEqual(job.spec.template.spec.containers[0].args, ['check']);
  });
});

describe('a node\'s pod', () => {
  test('may nothing: no root, no capability, no file system to write to', () => {
    for (const files of edgeScenarios()) {
      for (const { name, pod } of render(...files).pods()) {
        assert.equal(pod.spec.securityContext.runAsNonRoot, true, name);
        assert.equal(pod.spec.securityContext.seccompProfile.type, 'RuntimeDefault', name);
        assert.equal(pod.spec.automountServiceAccountToken, false, name);
        for (const each of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
          assert.deepEqual(each.securityContext.capabilities, { drop: ['ALL'] }, name);
          assert.equal(each.securityContext.readOnlyRootFilesystem, true, name);
          assert.equal(each.securityContext.allowPrivilegeEscalation, false, name);
        }
      }
    }
  });

  test('has the time to drain: what it serves on, and half a minute for streams', () => {
    const { spec } = workloadOf(render(EVERYTHING)).spec.template;
    const [{ lifecycle }] = spec.containers;
    const [, , command] = lifecycle.preStop.exec.command;
    const serves = Number(/^edge-node leave; sleep ([0-9]+)$/.exec(command)[1]);
    assert.ok(spec.terminationGracePeriodSeconds >= serves + 35);
    assert.deepEqual(workloadOf(render(EVERYTHING)).spec.strategy.rollingUpdate,
      { maxUnavailable: 0, maxSurge: 1 });
  });

  test('is asked for its health by TLS where it speaks TLS', () => {
    const probes = (...values) => {
      const [container] = workloadOf(render(...values)).spec.template.spec.containers;
      return ['startupProbe', 'readinessProbe'].map((each) => container[each].httpGet);
    };
    for (const { path: at, scheme } of probes(MINIMAL))
      assert.deepEqual([at, scheme], ['/edge/health', 'HTTP']);
    for (const { scheme } of probes(EVERYTHING)) assert.equal(scheme, 'HTTPS');
  });

  test('reads secrets from files, so that another one needs no restart', () => {
    const [{ env }] = workloadOf(render(EVERYTHING)).spec.template.spec.containers;
    const of = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    assert.equal(of.OVERROUND_EDGE_SECRET_FILE, '/etc/overround/secrets/edge');
    assert.equal(of.OVERROUND_CDN_SECRET_FILE, '/etc/overround/secrets/cdn');
    assert.equal(of.OVERROUND_EDGE_WORKERS, '2');
  });
});

describe('around it', () => {
  test('the Service keeps the customer\'s address', () => {
    const { spec, metadata } = render(EVERYTHING).get('Service', NAME);
    assert.deepEqual([spec.type, spec.externalTrafficPolicy], ['LoadBalancer', 'Local']);
    const told = metadata.annotations;
    const dns = 'external-dns.alpha.kubernetes.io';
    assert.equal(told[`${dns}/hostname`], 'www.example.com');
    assert.equal(told[`${dns}/aws-region`], 'eu-south-1');
    assert.equal(told[`${dns}/set-identifier`], 'house-rel');
  });

  test('out only to DNS and to the origins\' ports', () => {
    const { spec } = render(MINIMAL).get('NetworkPolicy', NAME);
    assert.deepEqual(spec.policyTypes, ['Ingress', 'Egress']);
    const ports = spec.egress.flatMap((rule) => rule.ports.map(({ port }) => port));
    assert.deepEqual([...new Set(ports)], [53, 443]);
    assert.deepEqual(spec.ingress, [{ ports: [{ protocol: 'TCP', port: 8443 }] },
      { ports: [{ protocol: 'TCP', port: 9145 }], from: [{ namespaceSelector: {} }] }]);
  });

  test('budget, autoscaler and Service mean the pods of the node alone', () => {
    const objects = render(EVERYTHING);
    const { labels } = workloadOf(objects).spec.template.metadata;
    for (const [kind, of] of [['Service', (o) => o.spec.selector],
      ['PodDisruptionBudget', (o) => o.spec.selector.matchLabels],
      ['NetworkPolicy', (o) => o.spec.podSelector.matchLabels]]) {
      const wanted = Object.entries(of(objects.get(kind, NAME)));
      for (const [key, value] of wanted) assert.equal(labels[key], value, kind);
      const job = objects.get('Job', `${NAME}-check`).spec.template.metadata.labels;
      assert.ok(wanted.some(([key, value]) => job[key] !== value), `${kind} means the job`);
    }
    assert.equal(objects.get('HorizontalPodAutoscaler', NAME).spec.scaleTargetRef.name, NAME);
    assert.equal(workloadOf(objects).spec.replicas, undefined);
  });

  test('the fan-out is scraped where there is one, by annotations or a PodMonitor', () => {
    const pod = (...values) => workloadOf(render(...values)).spec.template;
    const ports = (...values) => pod(...values).spec.containers[0].ports.map(({ name }) => name);
    assert.equal(pod(MINIMAL).metadata.annotations['prometheus.io/port'], '9145');
    assert.deepEqual(ports(MINIMAL), ['public', 'metrics']);
    assert.equal(pod(EVERYTHING).metadata.annotations['prometheus.io/port'], undefined);
    const [{ port }] = render(EVERYTHING).get('PodMonitor', NAME).spec.podMetricsEndpoints;
    assert.equal(port, 'metrics');
    assert.deepEqual(ports(MINIMAL, 'policy.node.fanout=false'), ['public']);
  });

  test('a DaemonSet: no autoscaler, countries by a container', () => {
    const objects = render('ci/daemonset-values.yaml');
    assert.equal(workloadOf(objects).kind, 'DaemonSet');
    const [init] = workloadOf(objects).spec.template.spec.initContainers;
    assert.equal(init.volumeMounts[0].mountPath, '/var/lib/overround-edge');
  });
});

describe('what is refused, by name', () => {
  for (const [what, pattern, ...values] of [
    ['no policy', /hostnames.*origins/s],
    ['a misspelt key of the policy', /elswhere/, MINIMAL, 'policy.countries.elswhere=refused'],
    ['a word that the policy does not know', /countries/, MINIMAL, 'policy.countries.elsewhere=no'],
    ['where a node listens', /listen/, MINIMAL, 'policy.node.listen=0.0.0.0'],
    ['TLS without a certificate', /tls\.existingSecret/, MINIMAL, 'tls.enabled=true'],
    ['a CDN that says nothing', /cdnKey/, MINIMAL, 'policy.cdn.networks[0]=192.0.2.0/24'],
    ['a DaemonSet that grows', /DaemonSet/, MINIMAL, 'kind=DaemonSet', 'autoscaling.enabled=true'],
    ['two databases', /geoip/, MINIMAL, 'geoip.existingClaim=a', 'geoip.initContainer.image=b'],
    ['latency without a region', /latency\.region/, MINIMAL, 'latency.hostname=www.example.com'],
    ['too little time to drain', /drainSeconds/, MINIMAL, 'lifecycle.drainSeconds=10'],
  ]) {
    test(what, () => assert.match(refused(...values), pattern));
  }
});
