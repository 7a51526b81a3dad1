// Debian's Chromium with a profile of its own, driven by playwright-core.
'use strict';

const fs = require('node:fs');
const { after } = require('node:test');
const { chromium } = require('playwright-core');
const { makeFolder } = require('../../api/lib/store');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let context;
let folder;

// One browser a file; each story gets a page with storage of its own.
async function openBrowser(options = {}) {
  folder ??= makeFolder('overround-chromium');
  context ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
  });
  return context.newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    ...options,
  });
}

async function closeBrowser() {
  await context?.close();
  context = undefined;
  if (folder) fs.rmSync(folder, { recursive: true, force: true });
}
after(closeBrowser);

module.exports = { openBrowser, closeBrowser };
