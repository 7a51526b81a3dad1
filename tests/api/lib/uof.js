// Unified Odds Feed messages as XML text.
//
// A market is { id, specifiers, status, outcomes } where outcomes maps an
// outcome's id to its odds ('2.10', or { odds, active }) in odds_change, to its
// result (1, 0, -1, or { result, void, deadHeat }) in bet_settlement.
'use strict';

const escape = (text) =>
  String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/"/g, '&quot;');

function attributes(pairs) {
  return Object.entries(pairs)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => ` ${name}="${escape(value)}"`)
    .join('');
}

function element(name, pairs, children = '') {
  const open = `<${name}${attributes(pairs)}`;
  return children === '' ? `${open}/>` : `${open}>${children}</${name}>`;
}

const document = (xml) => `<?xml version="1.0" encoding="UTF-8"?>\n${xml}\n`;

let clock = 0;
// Milliseconds that never repeat: the producer's clock.
function tick() {
  clock = Math.max(clock + 1, Date.now());
  return clock;
}

function head(event, options = {}) {
  return {
    product: options.product ?? 1,
    event_id: event,
    timestamp: options.timestamp ?? tick(),
    request_id: options.request,
  };
}

function marketElement(market, children) {
  return element(
    'market',
    {
      id: market.id,
      specifiers: market.specifiers,
      status: market.status,
    },
    children,
  );
}

function pricedOutcome([id, price]) {
  const { odds, active = 1 } = typeof price === 'object' ? price : { odds: price };
  return element('outcome', { id, odds, active });
}

function statusElement(status) {
  if (!status) return '';
  const { match_time: time, ...rest } = status;
  return element('sport_event_status', rest, time ? element('clock', { match_time: time }) : '');
}

function oddsChange(event, markets, options = {}) {
  const listed = markets.map((market) =>
    marketElement(
      market,
      Object.entries(market.outcomes ?? {})
        .map(pricedOutcome)
        .join(''),
    ),
  );
  return document(
    element(
      'odds_change',
      head(event, options),
      statusElement(options.status) + element('odds', {}, listed.join('') || ' '),
    ),
  );
}

function betStop(event, options = {}) {
  return document(
    element('bet_stop', {
      ...head(event, options),
      groups: options.groups ?? 'all',
      market_status: options.marketStatus,
    }),
  );
}

function settledOutcome([id, given]) {
  const fact = typeof given === 'object' ? given : { result: given };
  return element('outcome', {
    id,
    result: fact.result,
    void_factor: fact.void,
    dead_heat_factor: fact.deadHeat,
  });
}

function betSettlement(event, markets, options = {}) {
  const settled = markets.map((market) =>
    marketElement(market, Object.entries(market.outcomes).map(settledOutcome).join('')),
  );
  return document(
    element(
      'bet_settlement',
      { ...head(event, options), certainty: options.certainty ?? 2 },
      element('outcomes', {}, settled.join('')),
    ),
  );
}

function windowed(name, event, markets, options) {
  return document(
    element(
      name,
      {
        ...head(event, options),
        start_time: options.start,
        end_time: options.end,
      },
      markets.map((market) => marketElement({ ...market, status: undefined })).join(''),
    ),
  );
}

const betCancel = (event, markets, options = {}) => windowed('bet_cancel', event, markets, options);
const rollbackCancel = (event, markets, options = {}) =>
  windowed('rollback_bet_cancel', event, markets, options);
const rollbackSettlement = (event, markets, options = {}) =>
  windowed('rollback_bet_settlement', event, markets, {
    ...options,
    start: undefined,
    end: undefined,
  });

function fixtureChange(event, options = {}) {
  return document(element('fixture_change', { ...head(event, options), change_type: 3 }));
}

function alive(options = {}) {
  return document(
    element('alive', {
      product: options.product ?? 1,
      timestamp: options.timestamp ?? tick(),
      subscribed: options.subscribed ?? 1,
    }),
  );
}

function snapshotComplete(options = {}) {
  return document(
    element('snapshot_complete', {
      request_id: options.request ?? 1,
      product: options.product ?? 1,
      timestamp: options.timestamp ?? tick(),
    }),
  );
}

function competitor(side, name) {
  return element('competitor', {
    id: `sr:competitor:${side === 'home' ? 1 : 2}`,
    name,
    qualifier: side,
    abbreviation: name.slice(0, 3).toUpperCase(),
  });
}

// fixture('sr:match:1', { home, away, sport: ['sr:sport:1', 'Soccer'], start: '2030-…Z' })
function fixture(event, { home, away, sport = ['sr:sport:1', 'Soccer'], start }) {
  const tournament = element(
    'tournament',
    { id: 'sr:tournament:17', name: 'Premier League' },
    element('sport', { id: sport[0], name: sport[1] }) +
      element('category', { id: 'sr:category:1', name: 'England' }),
  );
  return document(
    element(
      'fixtures_fixture',
      { generated_at: new Date().toISOString() },
      element(
        'fixture',
        { id: event, start_time: start, scheduled: start, status: 'not_started' },
        tournament +
          element('competitors', {}, competitor('home', home) + competitor('away', away)),
      ),
    ),
  );
}

// descriptions([{ id: 1, name: '1x2', groups: 'all', outcomes: { 1: '{$competitor1}' } }])
function descriptions(markets) {
  return document(
    element(
      'market_descriptions',
      { response_code: 'OK' },
      markets
        .map((market) =>
          element(
            'market',
            { id: market.id, name: market.name, groups: market.groups ?? 'all' },
            element(
              'outcomes',
              {},
              Object.entries(market.outcomes)
                .map(([id, name]) => element('outcome', { id, name }))
                .join(''),
            ),
          ),
        )
        .join(''),
    ),
  );
}

module.exports = {
  oddsChange,
  betStop,
  betSettlement,
  betCancel,
  rollbackSettlement,
  rollbackCancel,
  fixtureChange,
  alive,
  snapshotComplete,
  fixture,
  descriptions,
  tick,
};
