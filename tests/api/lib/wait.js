// Waiting for what must become true, with a limit and the last reason why not.
'use strict';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(claim, { timeout = 15000, every = 15 } = {}) {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      return await claim();
    } catch (error) {
      if (error.final) throw error;
      if (Date.now() > end) {
        error.message = `not within ${timeout} ms: ${error.message}`;
        throw error;
      }
    }
    await sleep(every);
  }
}

module.exports = { sleep, eventually };
