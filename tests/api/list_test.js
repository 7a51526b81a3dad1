// Lists: newest first, in pages that neither lose nor repeat.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market } = require('./lib/world');

describe('lists and paging', () => {
  const world = worldFor({ before, after }, {});

  async function pages(customer, path, name) {
    const rows = [];
    let next = null;
    let count = 0;
    do {
      const page = await customer.read(
        `${path}${path.includes('?') ? '&' : '?'}limit=3${next ? `&after=${next}` : ''}`,
      );
      assert.ok(page[name].length <= 3);
      rows.push(...page[name]);
      next = page.next;
    } while (next && ++count < 20);
    return rows;
  }

  test('bets come newest first, page by page, each once', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const ids = [];
    for (let i = 0; i < 8; i++)
      ids.unshift((await customer.placed(event.home(), { stake: '1.00' })).id);
    assert.deepEqual(
      (await customer.bets()).map((b) => b.id),
      ids,
    );
    assert.deepEqual(
      (await pages(customer, '/v1/bets', 'bets')).map((b) => b.id),
      ids,
    );
  });

  test('transfers page by page', async () => {
    const customer = await world().customer({ balance: null });
    for (let i = 1; i <= 7; i++) await customer.deposit(`${i}.00`);
    const all = await pages(customer, '/v1/wallet/transfers', 'transfers');
    assert.deepEqual(
      all.map((t) => t.amount),
      ['7.00', '6.00', '5.00', '4.00', '3.00', '2.00', '1.00'],
    );
    assert.equal(new Set(all.map((t) => t.id)).size, 7);
  });

  test('open and settled bets', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const other = await world().event(market.oneXTwo());
    const settled = await customer.placed(event.home());
    const open = await customer.placed(other.home());
    await event.result(1, 0, 0);
    await customer.becomes(settled, { state: 'settled' });
    assert.deepEqual(
      (await customer.bets('?state=open')).map((b) => b.id),
      [open.id],
    );
    assert.deepEqual(
      (await customer.bets('?state=settled')).map((b) => b.id),
      [settled.id],
    );
    assert.equal((await customer.bets()).length, 2);
  });

  test('one bet by its id, and only by its owner', async () => {
    const customer = await world().customer();
    const other = await world().customer();
    const event = await world().event(market.oneXTwo());
    const bet = await customer.placed(event.home());
    const now = await customer.betById(bet.id);
    assert.equal(now.id, bet.id);
    assert.equal(now.legs[0].event, event.id);
    const spied = await other.call('GET', `/v1/bets/${bet.id}`);
    assert.equal(spied.status, 404);
    assert.equal(spied.code, 'not_found');
  });

  for (const query of ['limit=0', 'limit=x', 'limit=100000', 'after=x', 'state=lost']) {
    test(`a query that cannot be read is 400: ${query}`, async () => {
      const customer = await world().customer({ balance: null });
      const answer = await customer.call('GET', `/v1/bets?${query}`);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.code, 'malformed');
      assert.ok(answer.json.detail.includes(query.split('=')[0]));
    });
  }
});
