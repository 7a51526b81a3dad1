// A customer at the browser: what people do with the pages, by what they see.
'use strict';

const assert = require('node:assert/strict');
const { openBrowser } = require('./browser');
const { uof } = require('../../api/lib/world');

let people = 0;

const NAMES = [
  { id: 1, name: '1x2', outcomes: { 1: '{$competitor1}', 2: 'draw', 3: '{$competitor2}' } },
  { id: 18, name: 'Total', outcomes: { 12: 'over {total}', 13: 'under {total}' } },
];

// A match with names, on the board: live unless said otherwise.
async function match(world, home, away, markets, status = {}) {
  const event = await world.event();
  await world.feed.send(uof.fixture(event.id, { home, away, start: '2030-01-01T15:00:00+00:00' }));
  await world.feed.send(uof.descriptions(NAMES));
  event.home = home;
  event.status = { status: 1, match_status: 6, home_score: 0, away_score: 0, ...status };
  await event.odds(markets, { status: event.status });
  return event;
}

// A goal: bet stop at once; the new prices are the caller's.
async function goal(event) {
  await event.stop();
  event.status.home_score += 1;
}

class Customer {
  constructor(world, context, page) {
    Object.assign(this, { world, context, page });
    this.errors = [];
    page.on('pageerror', (error) => this.errors.push(error));
  }

  goto(path = '/') {
    return this.page.goto(this.world.server.publicUrl + path);
  }

  async register() {
    const { page } = this;
    await this.goto('/account');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    this.email = `browser-${process.pid}-${++people}@example.com`;
    await page.getByLabel('Email').fill(this.email);
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByLabel('Date of birth').fill('1990-05-17');
    await page.locator('form').getByRole('button', { name: 'Register' }).click();
    await page.waitForURL('**/wallet');
  }

  async deposit(amount) {
    const { page } = this;
    if (!page.url().endsWith('/wallet')) await this.goto('/wallet');
    await page.locator('#field-deposits').fill(amount);
    await page.getByRole('button', { name: 'Deposit', exact: true }).click();
    await page.getByText(/^Deposit: .* done\.$/).waitFor();
  }

  // A price on the board or on an event's page.
  price(event, market, outcome, specifiers = '') {
    const leg = `[data-leg="${market}/${specifiers}/${outcome}"]`;
    return this.page.locator(`[data-event="${event}"] ${leg}, .event ${leg}`).first();
  }

  get slip() {
    return this.page.locator('.slip');
  }
  get place() {
    return this.page.locator('#place');
  }

  async pick(event, market, outcome, specifiers) {
    const price = this.price(event, market, outcome, specifiers);
    await price.click();
    assert.equal(await price.getAttribute('aria-pressed'), 'true');
  }

  stake(amount) {
    return this.page.locator('#stake').fill(amount);
  }

  // Waits until the slip may be sent, and sends it.
  async bet() {
    await this.page.locator('#place:not([aria-disabled="true"])').waitFor();
    await this.place.click();
  }

  placed() {
    return this.slip.getByText('Bet placed.').first().waitFor();
  }

  // By the server, not by the page.
  async bets(query = '') {
    const token = await this.page.evaluate(() => JSON.parse(localStorage.session).token);
    const answer = await this.world.server.call('GET', `/v1/bets${query}`, { token });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.bets;
  }

  async close() {
    assert.deepEqual(this.errors, []);
    await this.context.close();
  }
}

// Somebody at a fresh browser; with `balance`, registered and with money.
async function customer(world, { balance, ...options } = {}) {
  const context = await openBrowser(options);
  const somebody = new Customer(world, context, await context.newPage());
  somebody.page.setDefaultTimeout(15000);
  if (balance !== undefined) {
    await somebody.register();
    await somebody.deposit(balance);
  }
  return somebody;
}

module.exports = { customer, match, goal };
