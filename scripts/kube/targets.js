// Tells Prometheus which pods to scrape, as its Kubernetes discovery would: Debian's is
// built without it.  Writes the file of file_sd whenever pods come or go.
//   node scripts/kube/targets.js KUBECONFIG KUBECTL FILE
'use strict';

const fs = require('node:fs');
const { Api } = require('./api');

const [kubeconfig, kubectl, file] = process.argv.slice(2);
const EVERY_MS = 500;
const PODS = '/api/v1/pods?labelSelector=app.kubernetes.io%2Fname%3Doverround';

const api = new Api(kubeconfig, kubectl);
let told;

const scraped = ({ metadata, status, spec }) =>
  status.podIP && status.phase === 'Running' && !metadata.deletionTimestamp &&
  spec.containers.some(({ ports }) => ports?.some(({ name }) => name === 'ops'));

function target({ metadata, status, spec }) {
  const { labels } = metadata;
  return {
    targets: [`${status.podIP}:8081`],
    labels: {
      namespace: metadata.namespace,
      pod: metadata.name,
      node: spec.nodeName,
      release: labels['app.kubernetes.io/instance'],
      role: labels['app.kubernetes.io/component'],
      track: labels.track ?? 'stable',
    },
  };
}

async function look() {
  const { items } = await api.get(PODS);
  const text = JSON.stringify(items.filter(scraped).map(target), undefined, 1);
  if (text === told) return;
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
  told = text;
}

async function loop() {
  for (;;) {
    await look().catch((error) => console.error(error.message));
    await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
  }
}

loop();
