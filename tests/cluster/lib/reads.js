// What customers and operators look at meanwhile, through the load balancer: of
// every role that answers somebody, each look in a loop of its own.
'use strict';

const assert = require('node:assert/strict');
const { makeAgent, sleep } = require('../../api/lib/world');
const { Journal } = require('./journal');

// A connection that is lost is a failure here: nginx keeps its own.
const options = () => ({ agent: makeAgent(1), noRetry: true, timeout: 20000 });

// name -> who is asked; the name begins with the role that answers.
function readsOf({ server }, { fans, events }) {
  const operator = (path) => {
    const more = options();
    return () => server.through('GET', path, more);
  };
  const [anyone, customer] = [options(), options()];
  return {
    'web event': () => server.call('GET', `/v1/events/${events[0].id}`, anyone),
    'bets wallet': () => fans[0].call('GET', '/v1/wallet', customer),
    'settle report': operator('/v1/reports/daily'),
    'web desk': operator('/v1/desk/events'),
    'web exposure': operator('/v1/desk/exposure'),
    'bets holds': operator('/v1/desk/holds'),
    'feed health': operator('/v1/desk/feed'),
  };
}

class Reads extends Journal {
  constructor(reads, { pause = 40 } = {}) {
    super();
    Object.assign(this, { reads, pause });
  }

  get names() {
    return Object.keys(this.reads);
  }

  async loop(name) {
    while (this.going) {
      await this.ask(name, this.reads[name]);
      await sleep(this.pause);
    }
  }

  start() {
    this.going = true;
    this.done = Promise.all(this.names.map((name) => this.loop(name)));
    return this;
  }

  // Each was answered well since the entry numbered `since`.
  wentOn(since) {
    for (const name of this.names) assert.ok(this.well(name, since) > 0, `nobody saw: ${name}`);
  }

  async stop() {
    this.going = false;
    await this.done;
  }
}

module.exports = { Reads, readsOf };
