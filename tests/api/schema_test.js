// Two releases on one store: the newer one migrates first, the older one goes
// on, and may start again when the newer one is taken back.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { openWorld, market, newKey, run } = require('./lib/world');
const { makeFolder, makeStore, isPostgres, root } = require('./lib/store');
const { startServer } = require('./lib/server');

// What an additive migration may do, to every table at once: columns of its own
// and a table; and the version.
function expand(store) {
  const tables = store.sql(
    isPostgres
      ? `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
         AND relnamespace = current_schema()::regnamespace`
      : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  );
  const names = tables.split('\n');
  assert.ok(names.includes('bets') && names.length > 20, tables);
  const columns = names.flatMap((name) => [
    `ALTER TABLE ${name} ADD COLUMN of_next bigint`,
    `ALTER TABLE ${name} ADD COLUMN of_next_too text NOT NULL DEFAULT ''`,
  ]);
  store.sql(
    [
      'BEGIN',
      ...columns,
      'CREATE TABLE of_next (id bigint PRIMARY KEY)',
      'CREATE INDEX of_next_bets ON bets (of_next)',
      'INSERT INTO schema_version (version) SELECT max(version) + 1 FROM schema_version',
      'COMMIT',
    ].join(';\n'),
  );
}

// Everything that writes: accounts, money, bets, the feed, results, limits.
async function story(world) {
  const customer = await world.customer();
  const event = await world.event(market.oneXTwo());
  const [won, cashed] = [await customer.placed(event.home()), await customer.placed(event.away())];
  const minimum = { minimum: '0.00' };
  const out = { json: minimum, key: newKey('cashout') };
  assert.equal((await customer.call('POST', `/v1/bets/${cashed.id}/cashout`, out)).status, 200);
  assert.equal((await customer.withdraw('1.00')).status, 201);
  await event.result(1, 0, 0);
  await customer.becomes(won, { state: 'settled', payout: '20.00' });
  await world.quiet();
  world.audit();
}

describe('a schema that a newer release has migrated', () => {
  test('additive: this release serves on it, starts on it, and all adds up', async () => {
    const world = await openWorld({}, { store: makeStore() });
    await story(world);
    if (!isPostgres) await world.server.stop(); // nobody else may hold the file
    expand(world.store); // PostgreSQL: under a server that goes on
    if (!isPostgres) await world.start();
    if (!isPostgres) await world.feed.up();
    await story(world);
    await world.restart();
    await world.feed.up();
    await story(world);
    await world.server.stop();
    const migrated = run(['migrate', '--store', world.store.url]);
    assert.equal(migrated.status, 0, migrated.stderr);
    assert.match(migrated.stdout, /0 migrations applied; it is ahead/);
    await world.close();
  });

  test('make lint refuses a migration that the release before could not live with', () => {
    const folder = makeFolder();
    const lint = (sql) => {
      const file = path.join(folder, '0007_next.sql');
      fs.writeFileSync(file, sql);
      return execFileSync(path.join(root, 'scripts/lint_sql.sh'), [file], { encoding: 'utf8' });
    };
    for (const [sql, why] of [
      ['DROP TABLE holds;', 'takes something away'],
      ['ALTER TABLE bets\n  DROP COLUMN cap;', 'takes something away'],
      ['ALTER TABLE bets DROP cap;', 'takes something away'],
      ['ALTER TABLE bets RENAME COLUMN cap TO limit_;', 'renames'],
      ['ALTER TABLE bets ALTER COLUMN cap TYPE text;', 'changes a type'],
      ['ALTER TABLE bets ALTER cap SET NOT NULL;', 'SET NOT NULL'],
      ['ALTER TABLE bets ADD COLUMN tax bigint NOT NULL;', 'needs a DEFAULT'],
      ['ALTER TABLE bets ADD a int DEFAULT 0, ADD b int NOT NULL;', 'needs a DEFAULT'],
      ['ALTER TABLE bets ADD CHECK (cap > 0);', 'constraint'],
      ['CREATE UNIQUE INDEX one ON bets (id);', 'unique index'],
      ['-- contracts: unused since 0.10.0\nDROP TABLE holds;', 'schema_oldest'],
    ])
      assert.ok(lint(`CREATE TABLE x (y int);\n${sql}`).includes(why), sql);
    for (const sql of [
      "-- DROP TABLE bets\nALTER TABLE bets ADD tax bigint NOT NULL DEFAULT 0, ADD note text;",
      'CREATE TABLE drops (renamed text NOT NULL);\nCREATE UNIQUE INDEX i ON drops (renamed);',
      `-- contracts: unused since 0.10.0\nDROP TABLE holds;
       INSERT INTO meta (name, value) VALUES ('schema_oldest', 6)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value;`,
    ])
      assert.equal(lint(sql), '', sql);
    fs.rmSync(folder, { recursive: true });
  });

  test('contracted: refused with both versions, by every command', async () => {
    const store = makeStore();
    await (await startServer({ store: store.url })).stop();
    store.sql('INSERT INTO schema_version (version) VALUES (999)');
    store.sql("INSERT INTO meta (name, value) VALUES ('schema_oldest', 998)");
    for (const command of ['serve', 'migrate', 'audit']) {
      const done = run([command, '--store', store.url], { timeout: 20000 });
      assert.ok([1, 2].includes(done.status), `${command}: ${done.status}`);
      assert.match(done.stderr, /999.*998.*newer/, command);
    }
    store.remove();
  });
});
