// The values.schema.json of the edge node's chart: its policy is deploy/edge/edge.schema.json
// but for what the chart itself says of a node.  What has no name here is refused.
import fs from 'node:fs';
import { anyMap, closed, count, digest, flag, list, match, one, paths, peers, resources,
  share, text, texts } from './schema.mjs';

const name = match('^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$');
const key = match('^[-._a-zA-Z0-9]*$');
const spread = one('ScheduleAnyway', 'DoNotSchedule', 'off');
// Where a node listens and where its files are is the chart's.
const ours = ['listen', 'port', 'certificate', 'geoip', 'run', 'cache'];

function policy(root) {
  const made = JSON.parse(fs.readFileSync(`${root}/deploy/edge/edge.schema.json`, 'utf8'));
  for (const its of ['$schema', 'title', 'description']) delete made[its];
  for (const each of ours) delete made.properties.node.properties[each];
  return made;
}

export function schema(root) {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of overround-edge; made by scripts/chart/make.mjs',
    ...closed({
      global: anyMap,
      nameOverride: text,
      fullnameOverride: text,
      image: closed({
        repository: match('^[^:@ ]+(:[0-9]+/[^:@ ]+)?$'), tag: match('^[-._a-zA-Z0-9]*$'), digest,
        pullPolicy: one('Always', 'IfNotPresent', 'Never'), pullSecrets: list(text),
      }),
      policy: policy(root),
      local: text,
      secrets: closed({ existingSecret: name, edgeKey: key, cdnKey: key }),
      tls: closed({ enabled: flag, existingSecret: name }),
      geoip: closed({
        existingClaim: name, file: match('^[-._a-zA-Z0-9]+$'), initContainer: anyMap,
      }),
      kind: one('Deployment', 'DaemonSet'),
      replicas: count(1),
      workers: count(0, 256),
      resources,
      autoscaling: closed({ enabled: flag, min: count(1), max: count(1), cpu: count(1, 1000) }),
      pdb: closed({ maxUnavailable: share }),
      lifecycle: closed({ preStopSeconds: count(0, 300), drainSeconds: count(35, 3600) }),
      service: closed({
        type: one('LoadBalancer', 'NodePort', 'ClusterIP'), port: count(1, 65535),
        externalTrafficPolicy: one('Local', 'Cluster'), annotations: texts,
        loadBalancerClass: text, loadBalancerSourceRanges: list(text),
      }),
      latency: closed({
        hostname: text, region: match('^$|^[a-z]{2}(-[a-z]+)+-[0-9]$'), setIdentifier: text,
        healthCheckId: text, ttl: count(1, 86400),
      }),
      topologySpread: closed({ zone: spread, host: spread }),
      nodeSelector: texts,
      tolerations: list(anyMap),
      priorityClassName: text,
      podAnnotations: texts,
      networkPolicy: closed({
        enabled: flag, publicFrom: peers, dns: paths, origins: paths, egress: list(anyMap),
      }),
      monitoring: closed({
        annotations: flag, from: peers,
        podMonitor: closed({ enabled: flag, labels: texts, interval: match('^[0-9]+(s|m)$') }),
      }),
      check: closed({ enabled: flag }),
      labels: texts,
      extraManifests: list(anyMap),
    }),
  };
}
