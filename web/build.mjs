// Builds the pages into build/web: one bundle for each entry point, names that
// carry the content's hash, each file also compressed, and pages.h, the table
// by which src/web/pages.c embeds them; beside them contract.d.ts, the types of
// docs/openapi.yaml.
//
//   node web/build.mjs           from the repository's root
//   node web/build.mjs --none    a binary without pages says how to get them
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { contract } from './contract.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const source = path.join(root, 'web/src');
const out = path.join(root, 'build/web');

// The HTML's path, and where its assets are: customers' and operators' files
// are never served by the other listener.
const entries = [
  { name: 'board', page: '/', assets: '/assets' },
  { name: 'desk', page: '/desk', assets: '/static' },
  { name: 'ops', page: '/ops', assets: '/static' },
];

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

const files = []; // { path, file, type, hash, plain, gzip, brotli }: sizes in bytes

function write(name, bytes) {
  mkdirSync(path.dirname(path.join(out, name)), { recursive: true });
  writeFileSync(path.join(out, name), bytes);
}

function add(url, name, bytes) {
  const gzip = zlib.gzipSync(bytes, { level: 9 });
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  const brotli = zlib.brotliCompressSync(bytes, {
    params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  write(`files/${name}`, bytes);
  write(`files/${name}.gz`, gzip);
  write(`files/${name}.br`, brotli);
  files.push({
    path: url,
    file: name,
    type: types[path.extname(name)],
    hash: hashOf(bytes),
    plain: bytes.length,
    gzip: gzip.length,
    brotli: brotli.length,
  });
}

// An asset under a name that changes with its content.
function addAsset(prefix, base, extension, bytes) {
  const name = `${base}-${hashOf(bytes)}${extension}`;
  const url = `${prefix}/${name}`;
  if (!files.some((file) => file.path === url)) add(url, name, bytes);
  return url;
}

async function bundle(esbuild, entry) {
  const result = await esbuild.build({
    entryPoints: [path.join(source, entry.name, 'main.tsx')],
    outdir: out,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: ['es2020', 'chrome87', 'firefox78', 'safari14.1'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
  });
  const links = {};
  for (const file of result.outputFiles) {
    const extension = path.extname(file.path);
    links[extension] = addAsset(entry.assets, entry.name, extension, Buffer.from(file.contents));
  }
  const icon = readFileSync(path.join(source, 'shared/icon.svg'));
  links['.svg'] = addAsset(entry.assets, 'icon', '.svg', icon);
  const html = readFileSync(path.join(source, entry.name, 'index.html'), 'utf8').replace(
    /\{\{(\w+)\}\}/g,
    (_, name) => {
      if (!links[`.${name}`]) throw new Error(`${entry.name}/index.html: no {{${name}}}`);
      return links[`.${name}`];
    },
  );
  add(entry.page, `${entry.name}.html`, Buffer.from(html));
}

function bundleNothing(entry) {
  const text = 'This binary was built without its pages: install npm (Node >= 20) and run make.';
  const html = `<!doctype html><title>${text}</title>${text}\n`;
  add(entry.page, `${entry.name}.html`, Buffer.from(html));
}

// PAGE(n, path, type, hash, file, bytes, bytes of .gz, bytes of .br)
function table() {
  const rows = files.map(
    (f, n) =>
      `PAGE(${n}, "${f.path}", "${f.type}", "${f.hash}", "build/web/files/${f.file}", ` +
      `${f.plain}, ${f.gzip}, ${f.brotli})`,
  );
  return `/* Made by web/build.mjs. */\n${rows.join('\n')}\n`;
}

rmSync(path.join(out, 'files'), { recursive: true, force: true });
if (process.argv.includes('--none')) {
  entries.forEach(bundleNothing);
} else {
  const esbuild = await import('esbuild');
  for (const entry of entries) await bundle(esbuild, entry);
}
write('contract.d.ts', contract());
write('manifest.json', `${JSON.stringify(files, null, 1)}\n`);
write('pages.h.new', table());
renameSync(path.join(out, 'pages.h.new'), path.join(out, 'pages.h'));
for (const f of files.filter(({ file }) => !file.endsWith('.svg')))
  console.log(`${f.file.padEnd(28)} ${f.plain} bytes, gzip ${f.gzip}, br ${f.brotli}`);
