// A store of its own for every server: a SQLite file in a temporary folder, or
// a database in a PostgreSQL that the tests start themselves (scripts/pg.sh).
// Which one: OVERROUND_TEST_STORE = sqlite (default) or postgres.
// OVERROUND_TEST_HALVES=apart: the ledger in a database of its own, beside the
// journal's, each without the other's tables.
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

function migrate(url, ledger) {
  const where = ['--store', url, ...(ledger ? ['--ledger', ledger] : [])];
  const run = spawnSync(binary(), ['migrate', ...where], { encoding: 'utf8' });
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

// The tables of a half, as the program has them.
function tablesOf(half) {
  const text = fs.readFileSync(path.join(root, 'src/tbl/store_tables.h'), 'utf8');
  return [...text.matchAll(/^STORE_TABLE\((\w+), (\w+)\)$/gm)]
    .filter((row) => row[1] === half).map((row) => row[2]);
}

// What a half has no use for goes: whoever needs it there fails.
function dropTables(store, half) {
  const cascade = store.kind === 'postgres' ? ' cascade' : '';
  store.sql(tablesOf(half).map((name) => `drop table if exists ${name}${cascade};`).join('\n'));
}

// `ledger` is a store, too; sql() asks the ledger, where money is.
function apart(journal, ledger) {
  migrate(journal.url, ledger.url);
  dropTables(journal, 'LEDGER');
  dropTables(ledger, 'JOURNAL');
  return {
    ...journal,
    ledger,
    sql: ledger.sql,
    journalSql: journal.sql,
    remove: () => [journal, ledger].forEach((store) => store.remove()),
  };
}

// { kind: 'sqlite', apart: true }
function makeStore(options = {}) {
  const divided = options.apart ?? process.env.OVERROUND_TEST_HALVES === 'apart';
  if (!divided) return makeDatabase(options);
  const [journal, ledger] = [0, 1].map(() => makeDatabase({ ...options, migrated: false }));
  return apart(journal, ledger);
}

// The options of a tool or a server that say where both halves are.
function where(store) {
  return ['--store', store.url, ...(store.ledger ? ['--ledger', store.ledger.url] : [])];
}

function makeDatabase(options = {}) {
  const want = options.kind ?? kind;
  if (want === 'sqlite') return sqliteStore();
  if (want === 'postgres') return postgresStore(options.server ?? sharedPostgres(), options);
  throw new Error(`OVERROUND_TEST_STORE is sqlite or postgres, not ${want}`);
}

module.exports = {
  root, kind, isPostgres, binary, makeFolder, makeStore, where, dropTables, Postgres, psql,
};
