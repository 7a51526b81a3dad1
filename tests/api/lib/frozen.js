// Processes that stand still: the kernel acknowledges for them, and nothing is answered.
'use strict';

const { spawnSync } = require('node:child_process');

function childrenOf(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.split(/\s+/).filter(Boolean).map(Number);
}

// Who has ended meanwhile needs no signal.
function signal(pids, name) {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

// A process with its children; the parent first, so that it has no more of them.
// What it returns sets all of them going again.
function freeze(pid) {
  signal([pid], 'SIGSTOP');
  const children = childrenOf(pid);
  signal(children, 'SIGSTOP');
  return () => signal([...children, pid], 'SIGCONT');
}

module.exports = { childrenOf, freeze, signal };
