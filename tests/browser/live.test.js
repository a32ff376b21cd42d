// The live page: it follows the run, keeps the report after its end, and survives a reload.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, serve, settled, text } from './browser.js';

test('the page follows the run, keeps its report, and survives a reload when its server is gone', async () => {
  const { url, ended, report } = await serve('scenarios/wine-store.yaml');
  const page = await open(url);
  assert.match(await text(page, 'h1'), /^RUNNING/);
  const lengths = new Set();
  while ((await text(page, '#live')) === 'live') {
    lengths.add(/, ([\d.]+) s so far/.exec(await text(page, 'h1'))?.[1]);
    await page.waitForTimeout(300);
  }
  assert.ok(lengths.size > 3, `${[...lengths]}`);
  assert.ok([0, 1, 3].includes(await ended));
  const word = report().verdict.result.toUpperCase();
  assert.ok((await text(page, 'h1')).startsWith(word), word);
  assert.equal(await text(page, '#live'), 'the run has ended');
  assert.deepEqual(page.complaints, []);
  await page.reload();
  await settled(page);
  assert.ok((await text(page, 'h1')).startsWith(word), word);
  assert.ok((await text(page, '#reading')).startsWith('all of '));
});

test('a zoomed-in stretch stays in view while the run goes on', async () => {
  const { url, ended } = await serve('scenarios/wine-store.yaml');
  const page = await open(url);
  await page.waitForFunction(() => document.querySelector('h1').textContent.includes('event'));
  await page.locator('#closer').click();
  await settled(page);
  const reading = await text(page, '#reading');
  await page.waitForTimeout(2500);
  assert.equal(await text(page, '#reading'), reading);
  assert.equal(await page.locator('#follow').getAttribute('aria-pressed'), 'false');
  await ended;
});

test('the page of a killed run shows that the run was cut', async () => {
  const { url, ended, kill } = await serve('scenarios/wine-store.yaml');
  const page = await open(url);
  await page.waitForFunction(() => document.querySelector('h1').textContent.includes('event'));
  kill();
  await ended;
  await page.waitForFunction(() => document.querySelector('h1 .word').textContent === 'CUT');
  assert.match(await page.title(), /: CUT - lapse$/);
  assert.match(await text(page, 'h1'), /^CUT event, [\d.]+ s so far/);
  assert.equal(await text(page, '#live'), 'the run is not there any more: this is what was seen of it');
});
