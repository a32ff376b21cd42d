// Shared tools of the browser tests: a headless Chromium, sample pages, and live runs of lapse.

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

// Opens a page in a browser context of its own; `complaints` collects console errors, exceptions and network requests.
export const open = async (url, options = {}, early = () => {}) => {
  const context = await chrome.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.addInitScript(early);
  page.complaints = [];
  // The canvas warning is caused by the tests' own reads.
  const isComplaint = (message) => ['error', 'warning'].includes(message.type()) && !message.text().startsWith('Canvas2D: Multiple readback');
  page.on('console', (message) => isComplaint(message) && page.complaints.push(message.text()));
  page.on('pageerror', (error) => page.complaints.push(String(error.stack)));
  page.on('request', (request) => !request.url().startsWith(url.split(/(?<=:\/\/[^/]*)\//)[0]) && !request.url().startsWith('data:') && page.complaints.push(request.url()));
  await page.goto(url);
  return page;
};

export const sample = (name, hash = '') => `file://${join(pages, `${name}.html`)}${hash}`;

export const reportOf = (name) => JSON.parse(readFileSync(join(pages, `${name}.json`)));

// The visible text of the element at `selector`.
export const text = (page, selector) => page.locator(selector).innerText();

// The colour of the canvas at (x, y), as [red, green, blue].
export const colourAt = (page, x, y) =>
  page.evaluate(([x, y]) => {
    const canvas = document.getElementById('canvas');
    const ratio = canvas.width / canvas.clientWidth;
    return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data.slice(0, 3)];
  }, [x, y]);

// Waits until the page has drawn.
export const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200))));

// Starts a live run; `ended` resolves to its exit code, and `report` reads its report.json (null before the end).
export const serve = async (...args) => {
  const folder = mkdtempSync(join(tmpdir(), 'lapse-'));
  const run = spawn(lapse, ['run', ...args, '--live', '--out', join(folder, 'run')], { cwd: root });
  const ended = new Promise((done) => run.on('exit', done));
  run.stdout.resume();
  const url = await new Promise((found) => run.stderr.on('data', (line) => /http:\S+/.test(line) && found(/http:\S+/.exec(line)[0])));
  return { url, ended, kill: () => run.kill('SIGKILL'), report: () => (existsSync(join(folder, 'run/report.json')) ? JSON.parse(readFileSync(join(folder, 'run/report.json'))) : null) };
};
