// The wallet: money in, money out, and every movement on record.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, newKey } = require('./lib/world');

describe('wallet', () => {
  const world = worldFor({ before, after }, {});

  test('a deposit is there at once, and a withdrawal gone', async () => {
    const customer = await world().customer({ balance: null });
    const deposit = await customer.deposit('25.50');
    assert.equal(deposit.status, 201);
    assert.equal(deposit.json.amount, '25.50');
    assert.equal(deposit.json.balance, '25.50');
    assert.ok(deposit.json.id);
    const withdrawal = await customer.withdraw('5.25');
    assert.equal(withdrawal.status, 201);
    assert.equal(withdrawal.json.balance, '20.25');
    await customer.holds('20.25', '0.00');
  });

  test('transfers tell the story, newest first', async () => {
    const customer = await world().customer({ balance: '10.00' });
    await customer.withdraw('4.00');
    const event = await world().event(market.oneXTwo());
    const bet = await customer.placed(event.home(), { stake: '6.00' });
    const transfers = await customer.transfers();
    assert.deepEqual(
      transfers.map((t) => [t.kind, t.balance_after]),
      [
        ['stake', '0.00'],
        ['withdrawal', '6.00'],
        ['deposit', '10.00'],
      ],
    );
    assert.equal(transfers[0].bet, bet.id);
    for (const transfer of transfers) assert.match(transfer.at, /^\d{4}-.*Z$/);
    assert.equal((await customer.wallet()).staked, '6.00');
  });

  test('more than the balance cannot be withdrawn', async () => {
    const customer = await world().customer({ balance: '10.00' });
    const answer = await customer.withdraw('10.01');
    assert.equal(answer.status, 422);
    assert.equal(answer.code, 'insufficient_funds');
    assert.ok(answer.text.includes('10.00'), 'tells what there is');
    await customer.holds('10.00');
  });

  for (const amount of ['0', '0.00', '-1.00', '1.001', '1e2', 'ten', '', ' 1.00', 5, null]) {
    test(`malformed amount: ${JSON.stringify(amount)}`, async () => {
      const customer = await world().customer({ balance: null });
      const answer = await customer.deposit(amount);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.code, 'malformed');
      assert.ok(answer.json.detail.includes('amount'));
      await customer.holds('0.00');
    });
  }

  test('a deposit above the maximum is refused', async () => {
    const customer = await world().customer({ balance: null });
    const answer = await customer.deposit('100000.01');
    assert.ok(answer.status === 422 || answer.status === 400, answer.text);
    await customer.holds('0.00');
  });

  test('money needs a key, of 1 to 64 printable characters', async () => {
    const customer = await world().customer({ balance: null });
    const json = { amount: '1.00' };
    const missing = await customer.call('POST', '/v1/wallet/deposits', { json });
    assert.equal(missing.status, 400);
    assert.equal(missing.code, 'key_missing');
    for (const key of ['', 'x'.repeat(65)]) {
      const answer = await customer.call('POST', '/v1/wallet/deposits', { json, key });
      assert.equal(answer.status, 400, key);
    }
    const longest = await customer.call('POST', '/v1/wallet/deposits', {
      json,
      key: 'x'.repeat(64),
    });
    assert.equal(longest.status, 201);
  });

  test('rule 11: a key belongs to its operation and its customer', async () => {
    const customer = await world().customer({ balance: null });
    const other = await world().customer({ balance: null });
    const key = newKey('same');
    assert.equal((await customer.deposit('5.00', key)).status, 201);
    assert.equal((await customer.withdraw('2.00', key)).status, 201);
    assert.equal((await other.deposit('7.00', key)).status, 201);
    await customer.holds('3.00');
    await other.holds('7.00');
  });

  test('a deposit sent again is the same deposit, byte for byte', async () => {
    const customer = await world().customer({ balance: null });
    const key = newKey('again');
    const first = await customer.deposit('5.00', key);
    await customer.deposit('1.00');
    const second = await customer.deposit('5.00', key);
    assert.equal(second.text, first.text);
    assert.equal((await customer.deposit('6.00', key)).code, 'key_reused');
    await customer.holds('6.00');
  });

  test('yen have no decimals and dinars three', async () => {
    const yen = await world().customer({ balance: '1000', currency: 'JPY' });
    await yen.holds('1000');
    assert.equal((await yen.deposit('1.5')).code, 'malformed');
    const dinar = await world().customer({ balance: '1.234', currency: 'KWD' });
    await dinar.holds('1.234');
  });
});
