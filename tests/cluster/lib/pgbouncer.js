// A PgBouncer of the tests' own, before the PostgreSQL of a URL.
'use strict';

const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { makeFolder } = require('../../api/lib/store');
const { eventually } = require('../../api/lib/wait');
const { answers, freePort } = require('./ports');

// PgBouncer will not run as root.
function asPostgres(command, args) {
  if (process.getuid() !== 0) return [command, args];
  const who = ['--reuid=postgres', '--regid=postgres', '--init-groups', '--', command];
  return ['setpriv', [...who, ...args]];
}

async function startPgBouncer(url, mode) {
  const folder = makeFolder('overround-pgbouncer');
  const target = new URL(url);
  const port = await freePort();
  const ini = path.join(folder, 'pgbouncer.ini');
  fs.writeFileSync(
    ini,
    `[databases]
* = host=${target.hostname} port=${target.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = 40
ignore_startup_parameters = extra_float_digits
`,
  );
  if (process.getuid() === 0) execFileSync('chown', ['-R', 'postgres:', folder]);
  const [command, args] = asPostgres('pgbouncer', [ini]);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  const exited = new Promise((resolve) => child.on('close', resolve));
  process.on('exit', () => child.kill('SIGKILL'));
  await eventually(() => answers(`127.0.0.1:${port}`)).catch((error) => {
    throw new Error(`${error.message}: ${log}`);
  });
  return {
    url: `postgres://postgres@127.0.0.1:${port}${target.pathname}`,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

module.exports = { startPgBouncer };
