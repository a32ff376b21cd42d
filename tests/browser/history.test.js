// The page of a history: charts and links of the runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, sample } from './browser.js';

test('each run has a mark within the plot, whiskers that reach around it, and a link', async () => {
  for (const [name, runs] of [['history-3', 3], ['history-200', 200]]) {
    const page = await open(sample(name));
    for (const chart of ['#chart-downtime', '#chart-disruption']) {
      const box = await page.locator(`${chart} svg`).boundingBox();
      const marks = await page.locator(`${chart} .mark`).evaluateAll((all) =>
        all.map((mark) => {
          const [{ left, right, top, bottom }, whisker] = [mark.getBoundingClientRect(), mark.parentNode.querySelector('.whisker').getBoundingClientRect()];
          return { left, right, top, bottom, low: whisker.bottom, high: whisker.top, middle: (top + bottom) / 2 };
        }));
      assert.equal(marks.length, runs);
      for (const { left, right, top, bottom, low, high, middle } of marks) {
        assert.ok(box.x < left && right < box.x + box.width && box.y < top && bottom < box.y + box.height, chart);
        assert.ok(high <= middle + 1 && middle - 1 <= low, `${high} to ${low} around ${middle}`);
      }
      // Runs are in the order of time, side by side.
      assert.ok(marks.every(({ left }, nth) => nth === 0 || marks[nth - 1].left < left));
    }
    const labels = await page.locator('.chart text').evaluateAll((all) => all.map((text) => [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()]).map(([text, svg]) => svg.left <= text.left && text.right <= svg.right));
    assert.ok(labels.every(Boolean), 'no label is cut off');
    assert.equal(await page.locator('#runs tbody a').count(), runs);
    assert.match(await page.locator('#runs tbody a').first().getAttribute('href'), /^\.\/[^/]+\/report\.html$/);
    assert.deepEqual(page.complaints, []);
  }
});

test('the button turns the page dark and back', async () => {
  const page = await open(sample('history-3'), { colorScheme: 'light' });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.locator('#theme').click();
  assert.notEqual(await paper(), light);
  await page.locator('#theme').click();
  assert.equal(await paper(), light);
  assert.deepEqual(page.complaints, []);
});
