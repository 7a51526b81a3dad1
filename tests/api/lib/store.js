// A store of its own for every server: a SQLite file in a temporary folder, or
// a database in a PostgreSQL that the tests start themselves (scripts/pg.sh).
// Which one: OVERROUND_TEST_STORE = sqlite (default) or postgres.
'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.resolve(__dirname, '../../..');
const kind = process.env.OVERROUND_TEST_STORE ?? 'sqlite';
const isPostgres = kind === 'postgres';

function makeFolder(name = 'overround-test') {
  return fs.mkdtempSync(path.join(os.tmpdir(), `${name}-`));
}

// The binary under test.
function binary() {
  return path.resolve(root, process.env.OVERROUND_TEST_BINARY ?? 'build/overround');
}

function pgScript(...args) {
  const script = path.join(root, 'scripts/pg.sh');
  return execFileSync(script, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

// A whole PostgreSQL server; the caller stops it.
class Postgres {
  constructor(settings = []) {
    this.folder = makeFolder('overround-pg');
    this.settings = settings;
    this.start();
  }

  start() {
    const out = pgScript('start', this.folder, ...this.settings);
    this.url = out.trim().split('\n').at(-1);
  }

  kill() {
    pgScript('kill', this.folder);
  }

  // After a kill: the same data, the same port.
  restart() {
    pgScript('restart', this.folder);
  }

  stop() {
    pgScript('stop', this.folder);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

let shared;
function sharedPostgres() {
  if (process.env.OVERROUND_TEST_PG) return process.env.OVERROUND_TEST_PG;
  if (!shared) {
    shared = new Postgres();
    process.on('exit', () => shared.stop());
  }
  return shared.url;
}

// The same server, another database.
function withDatabase(url, name) {
  const match = /^(postgres(?:ql)?:\/\/[^/]*\/)([^?]*)(.*)$/.exec(url);
  if (!match) throw new Error(`cannot read the PostgreSQL URL ${url}`);
  return match[1] + name + match[3];
}

function psql(url, sql) {
  const args = ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-c', sql, url];
  return execFileSync('psql', args, { encoding: 'utf8', maxBuffer: 256 << 20 }).trim();
}

function migrate(url) {
  const run = spawnSync(binary(), ['migrate', '--store', url], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`overround migrate failed: ${run.stderr}`);
}

function sqliteStore() {
  const folder = makeFolder();
  const file = path.join(folder, 'overround.db');
  return {
    kind: 'sqlite',
    folder,
    file,
    url: `sqlite:${file}`,
    // Only while no server holds the file.
    sql: (text) => execFileSync('sqlite3', [file, text], { encoding: 'utf8' }).trim(),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

// The database of a server that is migrated already, for all who want one like it.
function templateOf(server) {
  return server === process.env.OVERROUND_TEST_PG && process.env.OVERROUND_TEST_PG_TEMPLATE;
}

let databases = 0;
function postgresStore(server, { migrated = true } = {}) {
  const folder = makeFolder();
  const name = `t${process.pid}_${++databases}`;
  const template = migrated && templateOf(server);
  psql(server, `create database ${name} template ${template || 'template1'}`);
  const url = withDatabase(server, name);
  if (migrated && !template) migrate(url);
  return {
    kind: 'postgres',
    folder,
    url,
    sql: (text) => psql(url, text),
    remove: () => {
      fs.rmSync(folder, { recursive: true, force: true });
      psql(server, `drop database if exists ${name} with (force)`);
    },
  };
}

function makeStore(options = {}) {
  const want = options.kind ?? kind;
  if (want === 'sqlite') return sqliteStore();
  if (want === 'postgres') return postgresStore(options.server ?? sharedPostgres(), options);
  throw new Error(`OVERROUND_TEST_STORE is sqlite or postgres, not ${want}`);
}

module.exports = { root, kind, isPostgres, binary, makeFolder, makeStore, Postgres, psql };
