// One real page in Debian's Chromium: when it shows a price, when it shows the next one,
// and when it locks.  What is measured is what its document says, by the machine's clock.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { sleep } = require('../lib');

const root = path.join(__dirname, '../..');
const SELECTOR = '.event [data-leg="1//1"]';
const FIRST_MS = 30000;

function playwright() {
  const folder = path.join(root, 'tests/browser/node_modules');
  if (!fs.existsSync(path.join(folder, '.installed')))
    execFileSync(path.join(root, 'scripts/npm_ci.sh'), ['tests/browser'], { stdio: 'ignore' });
  return require(path.join(folder, 'playwright-core'));
}

// Before the page's own script: keeps what the price's button shows, and when.
function watch(selector) {
  window.seen = [];
  let last;
  const look = () => {
    const button = document.querySelector(selector);
    if (!button) return;
    const text = button.classList.contains('locked')
      ? 'locked' : button.querySelector('.num').textContent;
    if (text === last) return;
    last = text;
    window.seen.push({ text, at: Date.now(), since: performance.now() });
  };
  new MutationObserver(look).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}

// A network that lets no WebSocket through.
function withoutStream() {
  window.WebSocket = class {
    static OPEN = 1;
    readyState = 3;
    constructor() {
      setTimeout(() => this.onclose?.(), 0);
    }
    close() {}
  };
}

class Page {
  // place: { name, at, port }: a browser that knows `name` at this address
  static async open(place) {
    const page = new Page();
    page.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-chromium-'));
    process.on('exit', () => fs.rmSync(page.folder, { recursive: true, force: true }));
    page.browser = await playwright().chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', `--host-resolver-rules=MAP ${place.name} ${place.at}`],
      env: { ...process.env, HOME: page.folder, XDG_CONFIG_HOME: page.folder,
        XDG_CACHE_HOME: page.folder },
    });
    page.base = `http://${place.name}:${place.port}`;
    return page;
  }

  // A fresh storage, cache and connections; resolves with the ms to the first price.
  async visit(event, { stream = true } = {}) {
    await this.context?.close();
    this.context = await this.browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB' });
    this.tab = await this.context.newPage();
    await this.tab.addInitScript(watch, SELECTOR);
    if (!stream) await this.tab.addInitScript(withoutStream);
    await this.tab.goto(`${this.base}/event/${event}`, { timeout: FIRST_MS });
    const shown = await this.tab.waitForFunction(
      () => window.seen.find(({ text }) => text !== 'locked')?.since, null, { timeout: FIRST_MS });
    return shown.jsonValue();
  }

  // ms from `began`, of Date.now(), to the moment at which the price's button said it.
  async shown(text, began) {
    await this.tab.waitForFunction(([said, from]) =>
      window.seen.some((one) => one.text === said && one.at >= from), [text, began],
    { timeout: FIRST_MS, polling: 50 });
    return this.tab.evaluate(([said, from]) =>
      window.seen.find((one) => one.text === said && one.at >= from).at - from, [text, began]);
  }

  // Until it streams: a subscription's first answer is behind.
  async settled() {
    await sleep(2000);
  }

  async close() {
    await this.browser.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Page };
