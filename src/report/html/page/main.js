// Puts it together: the run, its timeline, and what happens when somebody points, clicks, or follows a link.

const read = (page) => {
  const run = JSON.parse(page.getElementById('data').textContent);
  run.lanes = run.lanes.map((lane) => new Lane(lane, run.classes));
  run.failures = failuresOf(run.failures, run.lanes);
  return run;
};

const here = (id) => document.getElementById(id);
let run = read(document);
const finding = new Finding(run);
let marked = null;
let follows = run.live;
let asked = false;

// Draws once a frame, however often something changes.
const renew = () => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    timeline.draw(view, marked);
    finding.read(view);
    settle();
  });
};

// What need not be done in every frame.
let settling;
const settle = () => {
  clearTimeout(settling);
  settling = setTimeout(() => {
    finding.tabulate(view);
    if (!follows && view.hash !== location.hash) history.replaceState(null, '', view.hash || location.pathname + location.search);
  }, 150);
};

const timeline = new Timeline(run, here('canvas'), here('labels'));
const view = new View(run.end, renew);

const found = ({ x, y, at }) => {
  const row = timeline.rowAt(y);
  return row && find(run, row, at, timeline.scale.perPixel, x / timeline.width);
};

const point = (place) => finding.hint(place && found(place), place || {}, timeline.gutter);

// Shows in the tables which outage or event it is.
const light = (selector) => {
  for (const row of document.querySelectorAll('[aria-current]')) row.removeAttribute('aria-current');
  const row = selector && document.querySelector(selector);
  if (row) row.setAttribute('aria-current', 'true');
};

const choose = (what) => {
  if (!what) return;
  if (what.overview !== undefined) return view.show(what.overview - view.span / 2, what.overview + view.span / 2);
  finding.tell(what);
  const { outage, event, lane, slot, stretch } = what;
  if (slot !== undefined) marked = { from: lane.due(slot), to: lane.due(slot) + lane.period };
  else if (outage) marked = { from: outage.from, to: outage.to + lane.period };
  else if (event) marked = { from: event.at, to: event.at };
  else marked = stretch || null;
  light(outage ? `[data-outage="${outage.row}"]` : event ? `[data-event="${run.events.indexOf(event)}"]` : null);
  renew();
};

const outages = () => run.lanes.flatMap((lane) => lane.outages.map((outage) => ({ lane, outage }))).sort((a, b) => a.outage.from - b.outage.from);

const showOutage = ({ lane, outage }) => {
  const around = Math.max((outage.to - outage.from) / 3, 1e7);
  leave();
  view.glide(outage.from - around, outage.to + around);
  choose({ title: `outage of ${lane.name}`, lines: [outage.said], lane, outage, at: outage.from });
};

// To the next outage, counted from the one that is chosen or from the middle of the view.
let chosen = null;
const jump = (by) => {
  const all = outages();
  if (!all.length) return finding.tell({ title: 'no outage', lines: ['no probe failed in this run'] });
  const middle = (view.from + view.to) / 2;
  const at = all.findIndex(({ outage }) => outage.row === chosen);
  const nearest = by > 0 ? all.findIndex(({ outage }) => view.whole || outage.from > middle) : all.findLastIndex(({ outage }) => view.whole || outage.to < middle);
  const next = all[at >= 0 ? (at + by + all.length) % all.length : nearest >= 0 ? nearest : 0];
  chosen = next.outage.row;
  showOutage(next);
};

// Stops following the newest second.
const leave = () => {
  follows = false;
  here('follow').setAttribute('aria-pressed', 'false');
};

const toNewest = () => {
  if (follows) view.show(Math.max(0, run.end - 3e10), run.end);
};

const goToHash = () => {
  const stretch = View.asked(location.hash);
  if (!stretch) return false;
  leave();
  view.glide(...stretch);
  return true;
};

new Hand(timeline, view, { point, pick: (place) => choose(found(place)), jump });
for (const gesture of ['wheel', 'pointerdown', 'keydown']) here('canvas').addEventListener(gesture, leave, { passive: true });
const tools = {
  previous: () => jump(-1),
  next: () => jump(1),
  closer: () => view.glide(view.from + view.span * 0.25, view.to - view.span * 0.25),
  farther: () => view.glide(view.from - view.span / 2, view.to + view.span / 2),
  all: () => view.glide(0, view.end),
};
for (const [id, act] of Object.entries(tools)) here(id).addEventListener('click', () => [leave(), act()]);
here('follow').hidden = !run.live;
here('follow').setAttribute('aria-pressed', String(follows));
here('follow').addEventListener('click', () => {
  follows = !follows;
  here('follow').setAttribute('aria-pressed', String(follows));
  toNewest();
});
here('table').addEventListener('toggle', () => finding.tabulate(view));
addEventListener('hashchange', goToHash);

// Of an episode with many outages the shorter ones are shown when they are asked for.
document.documentElement.dataset.script = '';
document.addEventListener('click', ({ target }) => {
  if (!target.matches('button.more')) return;
  const open = target.closest('tbody').classList.toggle('open');
  target.setAttribute('aria-expanded', String(open));
});

// A row of a table shows in the timeline what it is about.
document.addEventListener('click', ({ target }) => {
  const row = target.closest('[data-outage], [data-event]');
  if (!row) return;
  const { outage, event } = row.dataset;
  const one = outages().find((one) => String(one.outage.row) === outage);
  const happened = run.events[Number(event)];
  if (one) choose({ title: `outage of ${one.lane.name}`, lines: [one.outage.said], ...one, at: one.outage.from });
  else if (happened) choose({ title: happened.kind, lines: [happened.text, happened.near].filter(Boolean), event: happened, at: happened.at });
  if (one) chosen = one.outage.row;
  here('timeline').scrollIntoView({ block: 'nearest' });
});
document.addEventListener('pointerover', ({ target }) => {
  const row = target.closest && target.closest('[data-outage]');
  const one = row && outages().find((one) => String(one.outage.row) === row.dataset.outage);
  if (one) [marked = { from: one.outage.from, to: one.outage.to }, renew()];
});

const repaint = () => {
  timeline.ink.renew();
  finding.explain(timeline.ink);
  renew();
};
const kept = (name, value) => {
  try {
    return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value);
  } catch {
    return null;
  }
};
const dress = (theme) => {
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
};
here('theme').addEventListener('click', () => {
  const dark = getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim() === '1';
  dress(dark ? 'light' : 'dark');
  kept('lapse-theme', dark ? 'light' : 'dark');
  repaint();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
new ResizeObserver(() => [timeline.fit(), renew()]).observe(here('stage'));

// Paper is light and narrow.
addEventListener('beforeprint', () => {
  document.documentElement.dataset.paper = '';
  timeline.ink.renew();
  finding.explain(timeline.ink);
  timeline.fit(680);
  timeline.draw(view, marked);
});
addEventListener('afterprint', () => {
  delete document.documentElement.dataset.paper;
  timeline.fit();
  repaint();
});

// Puts the parts of a newer page in place of this one's, but for those that say the same.
const exchange = (page) => {
  const own = here('timeline');
  const parts = [...page.querySelector('main').children];
  const place = parts.findIndex((part) => part.id === 'timeline');
  const fresh = (part) => {
    const old = here(part.id);
    return old && old.isEqualNode(part) ? old : document.adoptNode(part);
  };
  const [above, below] = [parts.slice(0, place).map(fresh), parts.slice(place + 1).map(fresh)];
  for (const part of [...own.parentElement.children]) {
    if (part !== own && !above.includes(part) && !below.includes(part)) part.remove();
  }
  own.before(...above);
  own.after(...below);
  document.title = page.title;
  document.querySelector('.about').textContent = page.querySelector('.about').textContent;
};

// Takes a newer page's report in; says whether the run still goes on.
const replace = (page) => {
  const whole = view.whole;
  run = read(page);
  finding.run = run;
  timeline.load(run);
  timeline.fit();
  exchange(page);
  here('timeline').hidden = run.end === 0;
  finding.explain(timeline.ink);
  view.end = Math.max(run.end, LEAST);
  if (follows) toNewest();
  else if (whole) view.showAll();
  here('follow').hidden = !run.live;
  renew();
  return run.live;
};

here('timeline').hidden = run.end === 0;
dress(kept('lapse-theme'));
timeline.fit();
repaint();
if (!goToHash()) toNewest();
if (run.live) follow(replace);
