// The metrics APIs that a HorizontalPodAutoscaler asks, answered out of a Prometheus:
// custom.metrics.k8s.io as prometheus-adapter does by deploy/monitoring/
// prometheus-adapter.yaml (a metric of pods is the sum of its series by pod), and
// metrics.k8s.io as metrics-server does.  For make kube and its tests, where neither can
// be had.
//   node scripts/kube/metrics_api.js HOST:PORT CERTIFICATE KEY PROMETHEUS
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const [address, certificate, key, prometheus] = process.argv.slice(2);
const CUSTOM = 'custom.metrics.k8s.io/v1beta2';
const RESOURCE = 'metrics.k8s.io/v1beta1';

function query(text) {
  const url = `http://${prometheus}/api/v1/query?query=${encodeURIComponent(text)}`;
  return new Promise((resolve, reject) => {
    const request = http.get(url, { timeout: 5000 }, (answer) => {
      let body = '';
      answer.on('data', (part) => { body += part; });
      answer.on('end', () => {
        try {
          resolve(JSON.parse(body).data.result);
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('Prometheus does not answer')));
    request.on('error', reject);
  });
}

// "app=x,role in (a,b)" of the autoscaler as matchers of labels that the scrape has.
function matchers(selector) {
  const all = [];
  for (const [, name, value] of selector.matchAll(/([\w./-]+)=([\w.-]+)/g))
    if (name.endsWith('/instance')) all.push(`release="${value}"`);
    else if (name.endsWith('/component')) all.push(`role="${value}"`);
    else if (name.endsWith('/track') || name === 'track') all.push(`track="${value}"`);
  return all;
}

// Clients write the star as %2A.
const decoded = (url) => decodeURIComponent(url.pathname);
const stamp = (at) => `${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
const milli = (value) => `${Math.round(Number(value) * 1000)}m`;

function wantedOf(url, namespace) {
  const all = [`namespace="${namespace}"`,
    ...matchers(url.searchParams.get('labelSelector') ?? '')];
  const extra = /^(\w+)=(\w+)$/.exec(url.searchParams.get('metricLabelSelector') ?? '');
  if (extra) all.push(`${extra[1]}="${extra[2]}"`);
  return all.join(',');
}

async function ofPods(url) {
  const [, namespace, name] = /namespaces\/([^/]+)\/pods\/\*\/([^/]+)/.exec(decoded(url));
  const series = await query(`sum by (pod) (${name}{${wantedOf(url, namespace)}})`);
  const items = series.map(({ metric: { pod }, value: [at, value] }) => ({
    describedObject: { apiVersion: '/v1', kind: 'Pod', name: pod, namespace },
    metric: { name, selector: null }, timestamp: stamp(at), value: milli(value),
  }));
  return { kind: 'MetricValueList', apiVersion: CUSTOM, metadata: {}, items };
}

async function usage(url) {
  const [, namespace] = /namespaces\/([^/]+)\/pods/.exec(url.pathname);
  const wanted = wantedOf(url, namespace);
  const cpu = await query(`sum by (pod) (rate(process_cpu_seconds_total{${wanted}}[10s]))`);
  const items = cpu.map(({ metric: { pod }, value: [at, value] }) => ({
    metadata: { name: pod, namespace }, timestamp: stamp(at), window: '10s',
    containers: [{ name: 'overround', usage: { cpu: milli(value), memory: '0' } }],
  }));
  return { kind: 'PodMetricsList', apiVersion: RESOURCE, metadata: {}, items };
}

// What there is, for clients that discover it.
function resources(groupVersion) {
  const [name, kind, verbs] = groupVersion === CUSTOM
    ? ['pods/*', 'MetricValueList', ['get']] : ['pods', 'PodMetrics', ['get', 'list']];
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion,
    resources: [{ name, singularName: '', namespaced: true, kind, verbs }] };
}

async function answer(request, response) {
  const url = new URL(request.url, 'https://metrics');
  const version = url.pathname.startsWith(`/apis/${RESOURCE}`) ? RESOURCE : CUSTOM;
  let body = resources(version);
  if (decoded(url).includes('/pods/*/')) body = await ofPods(url);
  else if (/namespaces\/[^/]+\/pods/.test(url.pathname)) body = await usage(url);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

const [host, port] = address.split(':');
https
  .createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, (req, res) => {
    answer(req, res).catch((error) => {
      res.statusCode = 500;
      res.end(String(error));
    });
  })
  .listen(Number(port), host);
