// What the feed must refuse: a clear 400 or 413, nothing applied, and the
// server lives.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, uof } = require('./lib/world');

const good = (event) => uof.oddsChange(event.id, [market.oneXTwo('3.33')]);
const without = (name) => (event) => good(event).replace(new RegExp(` ${name}="[^"]*"`), '');
const attribute = (name, value) => (event) =>
  good(event).replace(new RegExp(` ${name}="[^"]*"`), ` ${name}="${value}"`);

const BOMB = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a0 "lol">
${Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join('\n')}
]>`;

// name -> the document made from a good one; the answer is 400 with a line
const DOCUMENTS = {
  'no XML at all': () => 'hello',
  nothing: () => '',
  'an element that is not closed': (e) => good(e).replace('</odds>', ''),
  'cut off in the middle': (e) => good(e).slice(0, -40),
  'two documents': (e) => good(e) + '<alive/>',
  'a root that we do not know': (e) => good(e).replaceAll('odds_change', 'odds_guess'),
  'no product': without('product'),
  'no event': without('event_id'),
  'no timestamp': without('timestamp'),
  'no market id': without('id'),
  'a product that is no number': attribute('product', 'one'),
  'a timestamp that is no number': attribute('timestamp', 'now'),
  'a timestamp too large': attribute('timestamp', '99999999999999999999'),
  'odds with an exponent': attribute('odds', '1e3'),
  'odds below one': attribute('odds', '0.5'),
  'odds that are negative': attribute('odds', '-2.0'),
  'odds that are NaN': attribute('odds', 'NaN'),
  'an active flag of 2': attribute('active', '2'),
  'specifiers that are none': (e) => good(e).replace('id="1"', 'id="1" specifiers="total"'),
  'a specifier twice': (e) => good(e).replace('id="1"', 'id="1" specifiers="a=1|a=2"'),
  'a status that we do not know': (e) => good(e).replace('id="1"', 'id="1" status="77"'),
  'a billion laughs': (e) =>
    BOMB +
    good(e)
      .replace(/<\?xml.*\?>/, '')
      .replace('<odds>', '<odds>&a9;'),
  'an external entity': (e) =>
    `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>` + good(e).replace(/<\?xml.*\?>/, ''),
  'an entity that is not declared': (e) => good(e).replace('<odds>', '<odds>&who;'),
  'latin-1': (e) =>
    Buffer.from(
      good(e).replace('<odds>', '<odds><x n="é"/>').replace('UTF-8', 'ISO-8859-1'),
      'latin1',
    ),
  'bytes that are not UTF-8': (e) =>
    Buffer.concat([
      Buffer.from(good(e).split('<odds>')[0]),
      Buffer.from([0x3c, 0x78, 0x20, 0x6e, 0x3d, 0x22, 0xff, 0xfe, 0x22, 0x2f, 0x3e]),
      Buffer.from(`<odds>${good(e).split('<odds>')[1]}`),
    ]),
  'UTF-16': (e) => Buffer.from(`\ufeff${good(e)}`, 'utf16le'),
  'a zero byte': (e) => good(e).replace('<odds>', '<odds>\0'),
  'too deep': (e) => good(e).replace('<odds>', '<odds>' + '<a>'.repeat(50) + '</a>'.repeat(50)),
  'our own entry of the log': () => '<overround_producer product="1" up="1"/>',
  'our own restart': () => '<overround_restart/>',
};

describe('malformed feed messages', () => {
  const world = worldFor({ before, after }, {});

  for (const [name, make] of Object.entries(DOCUMENTS)) {
    test(`refused, nothing applied: ${name}`, async () => {
      const event = await world().event(market.oneXTwo('2.00'));
      const position = await world().metric('overround_feed_position');
      const answer = await world().feed.post(make(event));
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.code, 'malformed');
      assert.match(answer.text, /line["\s:]*\d+/i, `names the line: ${answer.text}`);
      assert.match(answer.text, /column["\s:]*\d+/i, `names the column: ${answer.text}`);
      assert.equal(Number((await event.market(1)).outcomes[0].odds), 2);
      assert.equal(await world().metric('overround_feed_position'), position);
    });
  }

  test('the line and column are those of the fault', async () => {
    const xml =
      '<odds_change product="1" event_id="sr:match:1" timestamp="1">\n <odds>\n' +
      '  <market id="1"><outcome id="1" odds="x"/></market>\n </odds>\n</odds_change>';
    const answer = await world().feed.post(xml);
    assert.equal(answer.status, 400);
    assert.match(answer.text, /line["\s:]*3\b/);
    assert.ok(/odds/.test(answer.json.detail) && /outcome/.test(answer.json.detail), answer.text);
  });

  test('one bad market of many: nothing of the message is applied (rule 17)', async () => {
    const event = await world().event([market.oneXTwo('2.00'), market.total('1.95')]);
    const xml = uof.oddsChange(event.id, [market.oneXTwo('3.00'), market.total('one')]);
    assert.equal((await world().feed.post(xml)).status, 400);
    assert.equal(Number((await event.market(1)).outcomes[0].odds), 2);
  });

  test('10 MB is 413', async () => {
    const event = await world().event();
    const padding = `<!--${'x'.repeat(10 * 1024 * 1024)}-->`;
    let answer;
    try {
      answer = await world().feed.post(good(event) + padding, { noRetry: true });
    } catch (error) {
      assert.match(error.code, /EPIPE|ECONNRESET/); // refused while we still sent
    }
    if (answer) assert.deepEqual([answer.status, answer.code], [413, 'too_large']);
    assert.equal((await world().server.call('GET', `/v1/events/${event.id}`)).status, 404);
  });

  test('a large message below the limit is taken', async () => {
    const event = await world().event();
    const markets = Array.from({ length: 9000 }, (_, i) => market.total('1.90', '1.90', `${i}.5`));
    assert.equal((await world().feed.post(uof.oddsChange(event.id, markets))).status, 202);
    assert.equal((await event.read()).markets.length, 9000);
  });

  test('settlement attributes are checked as strictly', async () => {
    const event = await world().event(market.oneXTwo());
    const settle = (outcome) => uof.betSettlement(event.id, [{ id: 1, outcomes: { 1: outcome } }]);
    for (const outcome of [
      { result: 2 },
      { result: 'won' },
      {},
      { result: 1, void: '2' },
      { result: 1, void: 'half' },
      { result: 1, deadHeat: '-1' },
      { result: 1, deadHeat: 'x' },
    ]) {
      assert.equal((await world().feed.post(settle(outcome))).status, 400, JSON.stringify(outcome));
    }
    for (const certainty of [0, 3, 'x']) {
      const xml = uof.betSettlement(event.id, [{ id: 1, outcomes: { 1: 1 } }], { certainty });
      assert.equal((await world().feed.post(xml)).status, 400, `certainty ${certainty}`);
    }
  });

  test('only XML may come through this door', async () => {
    const answer = await world().feed.post('{}', { type: 'application/json' });
    assert.equal(answer.status, 415);
    assert.equal(answer.code, 'unsupported_type');
  });
});
