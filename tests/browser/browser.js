// A headless Chromium, a lapse, and the pages that both are tested with.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const root = new URL('../../', import.meta.url).pathname;
const pages = process.env.LAPSE_PAGES;
const lapse = process.env.LAPSE;

let chrome;
before(async () => {
  chrome = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
});
after(() => chrome.close());

// A page in a browser of its own that fails its test if it complains or asks the network for anything.
export const open = async (url, options = {}, early = () => {}) => {
  const context = await chrome.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.addInitScript(early);
  page.complaints = [];
  // What the tests themselves read from a canvas is no concern of the page's.
  const told = (message) => ['error', 'warning'].includes(message.type()) && !message.text().startsWith('Canvas2D: Multiple readback');
  page.on('console', (message) => told(message) && page.complaints.push(message.text()));
  page.on('pageerror', (error) => page.complaints.push(String(error.stack)));
  page.on('request', (request) => !request.url().startsWith(url.split(/(?<=:\/\/[^/]*)\//)[0]) && !request.url().startsWith('data:') && page.complaints.push(request.url()));
  await page.goto(url);
  return page;
};

export const sample = (name, hash = '') => `file://${join(pages, `${name}.html`)}${hash}`;

export const reportOf = (name) => JSON.parse(readFileSync(join(pages, `${name}.json`)));

// The text of one of the page's parts.
export const text = (page, selector) => page.locator(selector).innerText();

// What a canvas shows at a place, as red, green and blue.
export const colourAt = (page, x, y) =>
  page.evaluate(([x, y]) => {
    const canvas = document.getElementById('canvas');
    const ratio = canvas.width / canvas.clientWidth;
    return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data.slice(0, 3)];
  }, [x, y]);

// Lets the page draw.
export const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200))));

// A run that is served live: where it is, and its exit code once it has ended.
export const serve = async (...args) => {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-'));
  const run = spawn(lapse, ['run', ...args, '--live', '--out', join(folder, 'run')], { cwd: root });
  const ended = new Promise((done) => run.on('exit', done));
  run.stdout.resume();
  const url = await new Promise((found) => run.stderr.on('data', (told) => /http:\S+/.test(told) && found(/http:\S+/.exec(told)[0])));
  return { url, ended, kill: () => run.kill('SIGKILL'), report: () => (existsSync(join(folder, 'run/report.json')) ? JSON.parse(readFileSync(join(folder, 'run/report.json'))) : null) };
};
