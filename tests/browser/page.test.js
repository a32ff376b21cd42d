// The page of a finished run, opened from its file.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { colourAt, open, reportOf, root, sample, settled, text } from './browser.js';

const ALL = ['healthy', 'worked-example', 'upgrade', 'nasty', 'empty', 'killed', 'scenario', 'scrappy', 'hostile', 'venomous', 'replaced', 'flicker', 'hundred', 'compare-broken', 'compare-same', 'compare-many', 'compare-hostile', 'history-3', 'history-200', 'history-odd', 'history-hostile', 'history-only-cut', 'history-none'];

for (const name of ALL) {
  test(`${name} opens without errors, fits its width, and uses no network`, async () => {
    for (const [width, colorScheme] of [[1280, 'light'], [390, 'dark']]) {
      const page = await open(sample(name), { viewport: { width, height: 800 }, colorScheme });
      await settled(page);
      assert.deepEqual(page.complaints, []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} wide`);
      await page.context().close();
    }
  });
}

test('text from servers and commands cannot inject markup or scripts', async () => {
  const page = await open(sample('venomous'));
  let asked = false;
  page.on('dialog', () => (asked = true));
  await page.locator('#table summary').click();
  await page.locator('#canvas').hover({ position: { x: 300, y: 60 } });
  await page.locator('[data-event] td:last-child').first().click();
  await settled(page);
  assert.equal(asked, false);
  assert.equal(await page.locator('img').count(), 0);
  assert.match(await text(page, '#finding'), /<\/script><img/);
  await page.goto(sample('venomous', '#from=498&to=508'));
  await page.reload();
  await settled(page);
  await page.locator('#canvas').focus();
  await page.keyboard.press('n');
  await page.locator('#table summary').click();
  await settled(page);
  assert.match(await text(page, '#table'), /server <\/script><img[^]*body <\/script><img/);
  assert.deepEqual(page.complaints, []);
});

test('an outage zoomed in on has the figures of report.json', async () => {
  const [page, report] = [await open(sample('worked-example')), reportOf('worked-example')];
  const outage = report.targets[0].lanes[0].outages[0];
  const ms = (ns) => Math.round(ns / 1e6);
  const { estimate_ns, at_least_ns, at_most_ns } = outage.duration;
  const said = `${ms(estimate_ns)} ms (${ms(at_least_ns)} to ${ms(at_most_ns)})`;
  const row = page.locator('[data-loss="0"]');
  assert.ok((await row.innerText()).includes(said), said);
  await row.locator('a').click();
  await settled(page);
  const [from, to] = /from=([\d.]+)&to=([\d.]+)/.exec(page.url()).slice(1).map(Number);
  assert.ok(from < ms(outage.from_ns) && ms(outage.to_ns) < to && to - from < 1000, page.url());
  assert.ok((await text(page, '#finding')).includes(`out for ${said}, ${outage.failed} probes lost: status 503 x150`));
  await page.locator('#table summary').click();
  await settled(page);
  const failed = page.locator('#table tr', { hasText: 'status 503' }).first();
  assert.match(await failed.innerText(), /reused\s+2000\.000 ms\s+2298\.000 ms\s+status 503\s+150/);
});

test('the legend has the counts by class of report.json', async () => {
  for (const name of ['nasty', 'hundred', 'upgrade']) {
    const [page, counts] = [await open(sample(name)), {}];
    for (const { classes } of reportOf(name).targets.flatMap(({ lanes }) => lanes)) {
      for (const [kind, count] of Object.entries(classes)) counts[kind] = (counts[kind] || 0) + count;
    }
    const entries = (await page.locator('#legend li').allInnerTexts()).map((entry) => /^(.*) x([\d,]+)$/.exec(entry.trim()).slice(1));
    assert.deepEqual(Object.fromEntries(entries.map(([kind, count]) => [kind, Number(count.replaceAll(',', ''))])), counts);
  }
});

test('a single probe shows all of its recorded evidence', async () => {
  const page = await open(sample('upgrade', '#from=7000&to=7010'));
  const kept = reportOf('upgrade').failures.kept.find((failure) => failure.lane === 'new' && failure.due_ns === 7_003_000_000);
  const { width } = await page.locator('#canvas').boundingBox();
  const y = await page.evaluate(() => [...document.querySelectorAll('.label.lane')].pop().offsetTop + 12);
  await page.mouse.move(0, 0);
  await page.locator('#canvas').click({ position: { x: (width * 3) / 10 + 4, y } });
  const finding = await text(page, '#finding');
  assert.match(finding, new RegExp(`slot\\s+${kept.slot}`));
  await page.mouse.move(0, 0);
  await page.locator('#canvas').hover({ position: { x: (width * 3) / 10 + 4, y } });
  assert.match(await text(page, '#tip'), /done 250 µs after due\s+new connection to 10\.0\.0\.7:8080/);
  for (const fact of ['7003.000 ms', '7003.250 ms', '250 µs after due', 'refused', 'new', kept.peer]) assert.ok(finding.includes(fact), `${fact} in ${finding}`);
});

test('the endpoints have a row, and each pod row shows its membership', async () => {
  const page = await open(sample('replaced'));
  const { width } = await page.locator('#canvas').boundingBox();
  const rowOf = (label) => page.evaluate((label) => [...document.querySelectorAll('.label')].find(({ title }) => title === label).offsetTop + 9, label);
  const tipAt = async (label, ms) => {
    await page.mouse.move(0, 0);
    await page.locator('#canvas').hover({ position: { x: (width * ms) / 6000, y: await rowOf(label) } });
    return text(page, '#tip');
  };
  assert.match(await tipAt('endpoints', 1000), /1 pod is listed, for 2\.00/);
  assert.match(await tipAt('endpoints', 3000), /no pods are listed, for 2.00 s/);
  assert.match(await tipAt('pod/shop-1', 1000), /ready for 2.00 s\s+in the endpoints for 2\.00/);
  assert.match(await tipAt('pod/shop-2', 3000), /unready for 1.90 s$/);
  assert.deepEqual(page.complaints, []);
});

test('a rollout is in progress until it is complete, and its workload is ready from then on', async () => {
  for (const example of ['story', 'story-fixed']) {
    const folder = new URL(`reports/${example}/`, `file://${root}`);
    const page = await open(new URL('report.html', folder).href);
    const { events, run } = JSON.parse(readFileSync(new URL('report.json', folder)));
    const at = (kind) => events.find((event) => event.kind === kind && event.object === 'deployment/wine').at_ns;
    const [started, complete] = [at('rollout-started'), at('rollout-complete')];
    const { width } = await page.locator('#canvas').boundingBox();
    const y = await page.evaluate(() => [...document.querySelectorAll('.label')].find(({ title }) => title === 'deployment/wine').offsetTop + 7);
    const tipAt = async (ns) => {
      await page.mouse.move(0, 0);
      await page.locator('#canvas').hover({ position: { x: (width * ns) / run.length_ns, y } });
      return text(page, '#tip');
    };
    assert.match(await tipAt(started + (complete - started) * 0.4), /^deployment\/wine\s+rolling out for [12]\.\d+ s$/);
    for (const part of [0.2, 0.5, 0.9]) {
      assert.match(await tipAt(complete + (run.length_ns - complete) * part), /^deployment\/wine\s+ready for [\d.]+ s$/);
    }
    assert.deepEqual(page.complaints, []);
  }
});

test('the wheel zooms at the pointer, and a drag zooms into the selected stretch', async () => {
  const page = await open(sample('upgrade'));
  const box = await page.locator('#canvas').boundingBox();
  const seconds = async () => [...(await text(page, '#reading')).matchAll(/([\d.]+) s/g)].map(([, figure]) => Number(figure)).slice(-2);
  await page.mouse.move(box.x + box.width / 2, box.y + 80);
  for (let turn = 0; turn < 8; turn++) await page.mouse.wheel(0, -100);
  await settled(page);
  const [from, to] = await seconds();
  assert.ok(to - from < 14.6 / 10 && from < 7.3 && 7.3 < to, `${from} to ${to}`);
  await page.keyboard.press('Escape');
  await page.locator('#canvas').focus();
  await page.keyboard.press('0');
  await settled(page);
  await page.mouse.move(box.x + box.width * 0.25, box.y + 80);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 80, { steps: 4 });
  await page.mouse.up();
  await settled(page);
  const swept = await seconds();
  assert.ok(Math.abs(swept[0] - 3.65) < 0.05 && Math.abs(swept[1] - 10.95) < 0.05, `${swept}`);
});

test('everything can be reached with keys', async () => {
  const page = await open(sample('upgrade'));
  for (let presses = 0; (await page.evaluate(() => document.activeElement.id)) !== 'canvas'; presses++) {
    assert.ok(presses < 20, 'the timeline can be reached');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('n');
  await settled(page);
  assert.match(await text(page, '#finding'), /outage of reused[^]*out for 80 ms \(77 to 83\)/);
  await page.keyboard.press('n');
  await settled(page);
  assert.match(await text(page, '#finding'), /outage of new[^]*out for 2100 ms \(2097 to 2103\)/);
  await page.keyboard.press('ArrowDown');
  assert.match(await text(page, '#finding'), /^reused/);
  await page.keyboard.press('ArrowDown');
  assert.match(await text(page, '#finding'), /^new[^]*refused/);
  const before = page.url();
  for (const key of ['+', 'ArrowLeft']) await page.keyboard.press(key);
  await settled(page);
  assert.notEqual(page.url(), before);
  await page.keyboard.press('0');
  await settled(page);
  assert.ok((await text(page, '#reading')).startsWith('all of '));
});

test('a disruption of hundreds of outages is one row, and a key unfolds it', async () => {
  const [page, report] = [await open(sample('flicker')), reportOf('flicker')];
  const { outages, disruptions } = report.targets[0].lanes[1];
  const shown = () => page.locator('[data-loss]:visible').count();
  assert.deepEqual([await shown(), disruptions.length], [1, 1]);
  const button = page.getByRole('button', { name: `${outages.length} outages` });
  assert.equal(await button.getAttribute('aria-expanded'), 'false');
  await button.focus();
  await page.keyboard.press('Enter');
  assert.deepEqual([await button.getAttribute('aria-expanded'), await shown()], ['true', 1 + outages.length]);
  await page.locator('[data-loss="1"] a').click();
  await settled(page);
  assert.match(await text(page, '#finding'), /outage of new[^]*out for /);
  assert.equal(await page.locator('[data-loss="1"]').getAttribute('aria-current'), 'true');
  await button.focus();
  await page.keyboard.press('Space');
  assert.equal(await shown(), 1);
  await page.locator('#canvas').focus();
  await page.keyboard.press('n');
  await settled(page);
  assert.match(await text(page, '#finding'), new RegExp(`disruption of new[^]*in ${outages.length} outages, lost `));
  assert.equal(await page.locator('[data-loss="0"]').getAttribute('aria-current'), 'true');
  assert.deepEqual(page.complaints, []);
});

test('a link to a stretch opens that stretch, also after a reload', async () => {
  const page = await open(sample('upgrade', '#from=6990.000&to=7110.000'));
  await settled(page);
  const reading = await text(page, '#reading');
  assert.match(reading, /^120 ms, from 6\.99/);
  await page.reload();
  await settled(page);
  assert.equal(await text(page, '#reading'), reading);
});

test('an event shows the distance to the nearest failure', async () => {
  const page = await open(sample('nasty'));
  await page.locator('[data-event="0"] td').nth(2).click();
  assert.match(await text(page, '#finding'), /held-up[^]*nearest failure: 51 ms before/);
});

test('a million changes are painted within a second and move in frames of 16 ms', async () => {
  // Checks in each frame whether the timeline has been drawn.
  const page = await open(sample('million'), {}, () => {
    const look = () => {
      const drawn = document.getElementById('reading')?.textContent;
      if (drawn) window.drawnAt = performance.now();
      else requestAnimationFrame(look);
    };
    look();
  });
  await settled(page);
  const paint = await page.evaluate(() => Math.max(window.drawnAt, performance.getEntriesByName('first-contentful-paint')[0].startTime));
  assert.ok(paint < 1000, `first paint after ${paint} ms`);
  // A frame is timed from the first callback to the last; the page's own callback runs between them.
  const frames = await page.evaluate(async () => {
    const frame = (deltaY) =>
      new Promise((drawn) => {
        let began;
        requestAnimationFrame(() => (began = performance.now()));
        document.getElementById('canvas').dispatchEvent(new WheelEvent('wheel', { deltaY, clientX: 700, clientY: 500, cancelable: true }));
        requestAnimationFrame(() => drawn(performance.now() - began));
      });
    const times = [];
    for (let turn = 0; turn < 120; turn++) times.push(await frame(turn < 80 ? -20 : 20));
    return times.sort((a, b) => a - b);
  });
  const [half, most] = [frames[60], frames[114]];
  console.log(`first paint ${Math.round(paint)} ms; a frame ${half.toFixed(1)} ms, one in twenty over ${most.toFixed(1)} ms`);
  assert.ok(half < 16, `half of the frames took over ${half} ms`);
});

test('classes have different colours in the dark theme, and the page prints', async () => {
  const page = await open(sample('worked-example'), { colorScheme: 'dark' });
  await settled(page);
  const y = await page.evaluate(() => document.querySelector('.label.lane').offsetTop + 15);
  const { width } = await page.locator('#canvas').boundingBox();
  const places = [width * 0.25, width * 0.54];
  const dark = await Promise.all(places.map((x) => colourAt(page, x, y)));
  assert.notDeepEqual(dark[0], dark[1]);
  await page.locator('#theme').click();
  await settled(page);
  assert.notDeepEqual(await colourAt(page, places[0], y), dark[0]);
  assert.ok((await page.pdf()).length > 10_000);
  assert.deepEqual(page.complaints, []);
});

test('runs that are compared are drawn from the beginning of their events, and are found there', async () => {
  const page = await open(sample('compare-broken'));
  await settled(page);
  assert.match(await text(page, '#reading'), /from -6\.\d* s to 9\.\d* s/);
  const titles = await page.locator('.label.title').allInnerTexts();
  assert.deepEqual(titles.slice(0, 2), ['before', 'after']);
  // The events of both begin at the same place, though the second run had a shorter baseline.
  await page.locator('#canvas').focus();
  await page.keyboard.press('n');
  await settled(page);
  assert.match(await text(page, '#finding'), /(outage|disruption) of after, (reused|new)[^]*from the event\s*2\.00/);
  assert.deepEqual(page.complaints, []);
});
