// An image's archive, taken apart.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const json = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const blob = (dir, digest) => path.join(dir, 'blobs', ...digest.split(':'));

// An archive's config and, unpacked over each other, its layers.
function open(file, folder) {
  const oci = path.join(folder, 'oci');
  const files = path.join(folder, 'files');
  for (const dir of [oci, files]) fs.mkdirSync(dir, { recursive: true });
  execFileSync('tar', ['-C', oci, '-xf', file]);
  const [{ digest, annotations }] = json(path.join(oci, 'index.json')).manifests;
  const manifest = json(blob(oci, digest));
  for (const layer of manifest.layers)
    execFileSync('tar', ['-C', files, '-xpzf', blob(oci, layer.digest), '--numeric-owner']);
  return { digest, annotations, manifest, files, config: json(blob(oci, manifest.config.digest)) };
}

// Every path of the image with what lstat says of it.
function walk(files, at = '/') {
  return fs.readdirSync(path.join(files, at), { withFileTypes: true }).flatMap((entry) => {
    const here = path.join(at, entry.name);
    const stat = fs.lstatSync(path.join(files, here));
    return [{ path: here, stat }, ...(entry.isDirectory() ? walk(files, here) : [])];
  });
}

module.exports = { json, open, walk };
