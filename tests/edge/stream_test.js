// Streams pass the edge as they come: WebSocket and Server-Sent Events; and a node
// that goes sends nobody away who has not been answered.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, describe, it } = require('node:test');
const { market, eventually } = require('../api/lib/world');
const { connect, handshake } = require('../api/lib/ws');
const { edgeFor, HOST, AT_HOME, ABROAD } = require('./lib/edge');

describe('streams', () => {
  const of = edgeFor({ before, after }, {});
  const headers = (from = AT_HOME) =>
    ({ Host: HOST, 'User-Agent': 'a test', 'X-Forwarded-For': from });
  const homeOdds = ({ events }) => events[0].markets[0].outcomes[0].odds;

  it('a WebSocket brings prices, and one\'s own bets', async () => {
    const { edge, world } = of();
    const event = await world.event(market.oneXTwo());
    const customer = await world.customer({ balance: '20.00' });
    const stream = await connect(edge.address, { headers: headers() });
    await stream.subscribe({ events: [String(event)] });
    await event.odds(market.oneXTwo('5.50'));
    assert.equal(homeOdds(await stream.next('change')), '5.50');
    await stream.ask({ op: 'authenticate', id: 2, token: customer.token });
    await customer.placed(event.home('5.50'), { stake: '1.00' });
    assert.equal((await stream.next('bet')).bet.stake, '1.00');
    await stream.next('heartbeat', { timeout: 30000 });
    await stream.end();
  });

  it('a WebSocket outlives a new configuration of the node', async () => {
    const { edge, world } = of();
    const event = await world.event(market.oneXTwo());
    const stream = await connect(edge.address, { headers: headers() });
    await stream.subscribe({ events: [String(event)] });
    edge.change({ canary: { percent: 0 } });
    await event.odds(market.oneXTwo('6.50'));
    assert.equal(homeOdds(await stream.next('change')), '6.50');
    await stream.end();
  });

  it('Server-Sent Events come as they are sent, and are kept nowhere', async () => {
    const { edge, world } = of();
    const event = await world.event(market.oneXTwo());
    const path = `/v1/events/${event}/stream`;
    let text = '';
    const response = await new Promise((resolve, reject) => {
      http.get(edge.url + path, { headers: headers(), agent: false }, resolve).on('error', reject);
    });
    assert.equal(response.statusCode, 200);
    assert.match(response.headers['content-type'], /^text\/event-stream/);
    assert.equal(response.headers['x-cache'], undefined);
    response.on('error', () => {});
    response.setEncoding('utf8').on('data', (more) => {
      text += more;
    });
    await eventually(() => assert.match(text, /"2\.00"/));
    await event.odds(market.oneXTwo('7.50'));
    await eventually(() => assert.match(text, /"7\.50"/));
    response.destroy();
  });

  it('who is refused has no stream, and what is no WebSocket is told so', async () => {
    const { edge } = of();
    const refused = await handshake(edge.address, { headers: headers(ABROAD) });
    assert.equal(refused.answer.status, 451);
    const plain = await edge.call('GET', '/v1/stream');
    assert.deepEqual([plain.status, plain.code], [426, 'upgrade_required']);
  });
});
