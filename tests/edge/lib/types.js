// Whether an object is of a type that a package on npm publishes: TypeScript says so.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const folder = path.join(__dirname, '..');

// claims: [{ from: 'package', type: 'Name', value }] -> what tsc has to say, or ''.
function misfits(claims) {
  const modules = path.join(folder, 'node_modules');
  const at = fs.mkdtempSync(path.join(modules, '.claims-'));
  const lines = claims.map(({ from, type, value }, i) => [
    `import type { ${type.split(/[.[]/)[0]} as T${i} } from '${from}';`,
    `export const v${i}: T${i}${/[.[].*/.exec(type)?.[0] ?? ''} = ${JSON.stringify(value)};`,
  ]);
  fs.writeFileSync(path.join(at, 'claims.ts'), lines.flat().join('\n'));
  const out = spawnSync(path.join(modules, '.bin/tsc'), ['--noEmit', '--strict', '--skipLibCheck',
    '--pretty', 'false', '--module', 'esnext', '--moduleResolution', 'bundler',
    '--target', 'es2022', '--types', '', path.join(at, 'claims.ts')],
  { encoding: 'utf8', timeout: 240000 });
  fs.rmSync(at, { recursive: true });
  if (out.error) throw out.error;
  return out.status === 0 ? '' : out.stdout + out.stderr || `tsc ended with ${out.status}`;
}

module.exports = { misfits };
