// The chart's values.schema.json, shorter.  What has a name here may be given;
// everything else is refused.
import fs from 'node:fs';

export const closed = (properties, more = {}) => ({
  type: 'object', additionalProperties: false, properties, ...more,
});
export const text = { type: 'string' };
export const flag = { type: 'boolean' };
export const count = (least = 0, most = 1e9) => ({
  type: 'integer', minimum: least, maximum: most,
});
export const one = (...words) => ({ enum: words });
export const list = (items, more = {}) => ({ type: 'array', items, ...more });
export const anyMap = { type: 'object' };
export const texts = { type: 'object', additionalProperties: text };
export const match = (pattern) => ({ type: 'string', pattern });

const quantity = { type: ['string', 'number'], pattern: '^[0-9.]+(m|k|Ki|M|Mi|G|Gi|T|Ti)?$' };
export const share = { anyOf: [count(0, 1000), match('^[0-9]{1,3}%$')] };
const url = match('^$|^(postgres|postgresql|sqlite):');
const secret = () => closed({
  existingSecret: match('^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'),
  secretKey: match('^[-._a-zA-Z0-9]+$'),
});
const s3Url = match('^$|^s3://[^/]+(/.*)?$');
const account = match('^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$');
const objects = {
  existingSecret: text, region: text, endpoint: match('^$|^https?://'), virtualHost: flag,
};
const cron = match('^\\S+( \\S+){4}$');
export const digest = match('^$|^sha256:[0-9a-f]{64}$');
const seconds = match('^$|^[0-9]+(ms|s|m|h)$');
const quantities = closed({ cpu: quantity, memory: quantity, 'ephemeral-storage': quantity });
export const resources = closed({ requests: quantities, limits: quantities });
const parents = list(closed({
  group: text, kind: text, name: text, namespace: text, sectionName: text, port: count(1, 65535),
}, { required: ['name'] }));
export const peers = list(closed({
  namespaceSelector: anyMap, podSelector: anyMap,
  ipBlock: closed({ cidr: text, except: list(text) }, { required: ['cidr'] }),
}));
export const paths = closed({ to: peers, ports: list(count(1, 65535)) });
const environment = list(closed({ name: text, value: text, valueFrom: anyMap },
  { required: ['name'] }));

// What other values set, or what a pod cannot choose.
const elsewhere = {
  store: 'store', listen: 'listen', 'operator-listen': 'listen', role: 'roles', bus: 'bus',
  'operator-token': 'operatorToken', 'amqp-url': 'amqp', 'kafka-conf': 'bus',
  analytics: 'analytics', 'recovery-token': 'recovery', 'edge-secret': 'edge',
  'edge-secret-former': 'edge',
};

// The settings that are left, of src/tbl/config.h.
function settings(table) {
  const kinds = {
    TEXT: { type: ['string', 'number'] }, INT: { type: ['integer', 'string'], minimum: 0,
      pattern: '^[0-9]+$' },
    E2: { type: ['number', 'string'], minimum: 0, pattern: '^[0-9]+([.][0-9]{1,2})?$' },
  };
  const rows = [...table.matchAll(
    /^CONFIG\((\w+), \w+, "([^"]+)", "(?:[^"\\]|\\.)*", "[^"]*", "((?:[^"\\]|\\.)*)"\)$/gm)];
  const lines = table.split('\n').filter((line) => line.startsWith('CONFIG(')).length;
  if (rows.length !== lines) throw new Error(`${lines} settings, of which ${rows.length} are read`);
  return Object.fromEntries(rows.filter(([, , name]) => !elsewhere[name])
    .map(([, kind, name, doc]) => [name, { ...kinds[kind], description: JSON.parse(`"${doc}"`) }]));
}

const config = { $ref: '#/definitions/config' };
const pods = {
  resources, args: list(text), env: environment, config, priorityClassName: text,
  nodeSelector: texts, tolerations: list(anyMap),
};
const forecast = list(closed({
  name: match('^[-a-z0-9]+$'), start: cron, end: cron, replicas: count(1), timezone: text,
}, { required: ['name', 'start', 'end', 'replicas', 'timezone'] }));
const autoscaling = (own) => closed({
  enabled: flag, min: count(1), max: count(1), cpu: count(1, 1000), forecast, ...own,
});
const role = (scaling) => closed({
  ...pods, enabled: flag, replicas: count(), maxSurge: share, podAnnotations: texts,
  pdb: closed({ maxUnavailable: share }), autoscaling: scaling,
});
const track = {
  anyOf: [{ type: 'null' }, closed({ replicas: count() }, { required: ['replicas'] })],
};

export function schema(root) {
  const table = fs.readFileSync(`${root}/src/tbl/config.h`, 'utf8');
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of overround; made by scripts/chart/make.mjs',
    definitions: { config: closed(settings(table)) },
    ...closed({
      global: anyMap,
      nameOverride: text,
      fullnameOverride: text,
      image: closed({
        repository: match('^[^:@ ]+(:[0-9]+/[^:@ ]+)?$'), tag: match('^[-._a-zA-Z0-9]*$'), digest,
        pullPolicy: one('Always', 'IfNotPresent', 'Never'), pullSecrets: list(text),
      }),
      mode: one('single', 'roles'),
      store: closed({ ...secret().properties, url }),
      bus: closed({ ...secret().properties, url: match('^$|^kafka://[^/]+(/[-._a-zA-Z0-9]+)?$') }),
      operatorToken: secret(),
      amqp: secret(),
      recovery: secret(),
      analytics: secret(),
      edge: closed({ ...secret().properties, formerKey: secret().properties.secretKey }),
      config,
      listen: match('^([0-9.]+|\\[[0-9a-fA-F:]+\\])$'),
      single: closed({
        ...pods, database: match('^[-._a-zA-Z0-9]+$'),
        persistence: closed({ enabled: flag, size: quantity, storageClassName: text }),
        backup: closed({ enabled: flag, schedule: cron, to: s3Url, second: s3Url }),
      }),
      roles: closed({
        feed: role(closed({ enabled: one(false) })),
        odds: role(autoscaling({ kafkaLag: count(1) })),
        bets: role(autoscaling({ queueDelay: quantity })),
        settle: role(autoscaling({ settleLag: quantity, kafkaLag: count(1) })),
        web: role(autoscaling({ connections: quantity })),
      }),
      autoscaling: closed({
        kind: one('hpa', 'keda'), prometheusUrl: match('^https?://'), kafkaAuthentication: text,
        scaleDownSeconds: count(0, 3600),
      }),
      lifecycle: closed({
        preStopSeconds: count(0, 300), native: one('auto', 'always', 'never'),
        terminationGracePeriodSeconds: count(0, 3600),
      }),
      topologySpread: closed({
        zone: one('ScheduleAnyway', 'DoNotSchedule', 'off'),
        host: one('ScheduleAnyway', 'DoNotSchedule', 'off'),
      }),
      nodeLossSeconds: count(0, 3600),
      priorityClasses: closed({ create: flag }),
      canary: closed({
        enabled: flag, image: closed({ tag: match('^[-._a-zA-Z0-9]*$'), digest }),
        weight: count(0, 100), config, roles: closed({ bets: track, web: track }),
      }),
      gateway: closed({
        enabled: flag, parentRefs: parents, hostnames: list(text), requestTimeout: seconds,
        operator: closed({ enabled: flag, parentRefs: parents, hostnames: list(text) }),
      }),
      ingress: closed({
        enabled: flag, className: text, annotations: texts, hosts: list(text),
        tls: list(closed({ secretName: text, hosts: list(text) })),
      }),
      networkPolicy: closed({
        enabled: flag, publicFrom: peers, operatorFrom: peers, dns: paths, postgres: paths,
        kafka: paths, clickhouse: paths, feed: paths, collector: paths, s3: paths,
      }),
      migrations: closed({
        enabled: flag, backoffLimit: count(0, 20), ttlSecondsAfterFinished: count(0),
        activeDeadlineSeconds: count(1),
      }),
      s3: closed({
        ...objects, serviceAccount: account, second: closed(objects),
      }),
      audit: closed({ enabled: flag, schedule: cron }),
      archive: closed({
        enabled: flag, schedule: cron, to: s3Url, lockDays: count(0, 36499), second: s3Url,
        secondLockDays: count(0, 36499),
      }),
      monitoring: closed({
        annotations: flag,
        serviceMonitor: closed({ enabled: flag, labels: texts, interval: seconds }),
        prometheusRule: closed({ enabled: flag, labels: texts }),
        dashboards: closed({ enabled: flag, label: text }),
      }),
      labels: texts,
      extraManifests: list(anyMap),
      patches: list(closed({ kind: text, name: text, patch: anyMap },
        { required: ['kind', 'patch'] })),
    }),
  };
}
