// The rows of the timeline: which ones there are, their layout, and what is at a position in them.

const HEIGHTS = { overview: 10, axis: 26, phases: 18, title: 16, lane: 28, latency: 28, ticks: 20, count: 16, object: 15, unseen: 20, health: 20 };

const rowsOf = (run) => {
  const head = [{ kind: 'overview', label: '' }, { kind: 'axis', label: '' }];
  if (!run.parts) return [...head, ...lanesOf(run), ...aroundOf(run)];
  // What was lost comes first, run by run, then what happened around it.
  const titled = (rows, says) => (part) => [{ kind: 'title', label: part.name + says, gap: true }, ...rows(part, run.lanes)];
  return [...head, ...run.parts.flatMap(titled(lanesOf, '')), ...run.parts.flatMap(titled(aroundOf, ': events and the prober'))];
};

// The phases of a run, its lanes by target, and its command. Latencies have the scale of `all`, if that is given.
const lanesOf = (run, all) => {
  const rows = [];
  if (run.phases.length) rows.push({ kind: 'phases', label: 'phase', bands: run.phases });
  if (run.acts.length) rows.push({ kind: 'phases', label: 'act', bands: run.acts });
  run.targets.forEach((target, place) => {
    const lanes = run.lanes.filter((lane) => lane.target === place);
    const several = run.targets.length > 1;
    if (several) rows.push({ kind: 'title', label: target, gap: true });
    for (const lane of lanes) rows.push({ kind: 'lane', label: lane.policy, lane, gap: !several && lane === lanes[0] });
    rows.push(latencyRow(lanes, all || lanes));
  });
  const events = eventsOf(run, 'command');
  if (run.command || events.length) rows.push({ kind: 'ticks', label: 'command', events, band: run.command, gap: true });
  return rows;
};

// The events of a source that belong to no object.
const eventsOf = (run, source) => run.events.filter((event) => event.object === null && event.source === source);

// The events of a run, its endpoints and objects, and the health of the prober.
const aroundOf = (run) => {
  const rows = [];
  for (const source of ['lab', 'kubernetes', 'caller', 'prober']) {
    const events = eventsOf(run, source);
    if (events.length) rows.push({ kind: 'ticks', label: source, events, gap: !run.command });
  }
  const listed = run.objects.flatMap(({ member }) => member);
  if (listed.length) rows.push({ kind: 'count', label: 'endpoints', steps: countsOf(listed, run.end), gap: true });
  run.objects.forEach((object, place) => {
    const events = run.events.filter((event) => event.object === place);
    rows.push({ kind: 'object', label: object.name, object, events, gap: place === 0 && !listed.length });
  });
  rows.push(unseenRow(run.lanes));
  rows.push({ kind: 'health', label: 'own health', lanes: run.lanes, heldUp: run.held_up });
  return rows;
};

// The number of spans that cover each instant of the run, as steps.
const countsOf = (stretches, end) => {
  const edges = stretches.flatMap(([from, to]) => [[from, 1], [to, -1]]).filter(([at]) => at < end).sort(([a], [b]) => a - b);
  const steps = [{ from: 0, to: end, count: 0 }];
  for (const [at, by] of edges) {
    const last = steps[steps.length - 1];
    if (last.from === at) last.count += by;
    else steps.push({ from: (last.to = at), to: end, count: last.count + by });
  }
  return steps;
};

// The row with the latency of a target's lanes, scaled as all of these lanes ask for: from below the fastest median to the slowest answer.
const latencyRow = (lanes, all) => {
  const points = all.flatMap((lane) => lane.latency);
  const least = points.reduce((least, [, , half]) => Math.min(least, half), 1e12) * 0.6;
  const most = points.reduce((most, point) => Math.max(most, point[4]), least * 4);
  return { kind: 'latency', label: points.length ? `latency to ${distance(most)}` : 'latency', lanes, least, most };
};

// The row with how long an outage could have gone unseen.
const unseenRow = (lanes) => {
  const most = lanes.flatMap((lane) => lane.unseen).reduce((most, point) => Math.max(most, point[4]), 0);
  return { kind: 'unseen', label: most ? `unseen to ${distance(most)}` : 'unseen', lanes, gap: true };
};

// Places the rows below each other and returns the total height. In a narrow page a row's name is above it.
const arrange = (rows, narrow) => {
  let y = 0;
  for (const row of rows) {
    y += row.gap ? 7 : 2;
    row.labelY = y;
    if (narrow && row.label && row.kind !== 'title') y += 15;
    row.y = y;
    row.height = HEIGHTS[row.kind];
    y += row.height;
  }
  return y + 4;
};

// The events within `slack` of `at`, the nearest first.
const eventsAt = (events, at, slack) => {
  const far = (event) => Math.abs(event.at - at);
  return events.filter((event) => far(event) <= slack).sort((a, b) => far(a) - far(b));
};

// The title and lines for the nearest event and up to four others.
const describeEvents = ([event, ...others]) => {
  const more = others.slice(0, 4).map(({ kind, text, near }) => [`${kind}: ${text}`, near].filter(Boolean).join('; '));
  return { title: event.kind, lines: [event.text, event.near, ...more].filter(Boolean), event, at: event.at };
};

const pointAt = (points, at) => points.find(([from, to]) => from <= at && at < to);

// What is at a position in a row: a title, lines of text, and the object that they describe; null if nothing is there.
const find = (run, row, at, perPixel, part) => {
  if (row.kind === 'overview') return { title: 'the whole run', lines: ['click to see what is there'], overview: part * run.end };
  if (row.kind === 'lane') return findProbes(run, row.lane, at, perPixel);
  if (row.events) {
    const events = eventsAt(row.events, at, perPixel * 6);
    if (events.length) return describeEvents(events);
  }
  if (row.object) {
    const stretch = row.object.stretches.find(({ from, to }) => from <= at && at < to);
    const member = row.object.member.find(([from, to]) => from <= at && at < to);
    const lines = [];
    if (stretch) lines.push(`${stretch.state} for ${distance(stretch.to - stretch.from)}`);
    if (member) lines.push(`in the endpoints for ${distance(member[1] - member[0])}`);
    return lines.length ? { title: row.label, lines } : null;
  }
  if (row.steps) {
    const { from, to, count } = row.steps.find(({ from, to }) => from <= at && at < to) || row.steps[0];
    return { title: 'endpoints', lines: [`${count || 'no'} ${count === 1 ? 'pod is' : 'pods are'} listed, for ${distance(to - from)}`], stretch: { from, to } };
  }
  if (row.kind === 'latency') {
    const lines = row.lanes.map((lane) => [lane, pointAt(lane.latency, at)]).filter(([, point]) => point);
    const texts = lines.map(([lane, [, , half, most, max]]) => `${lane.name}: ${distance(half)}, p99 ${distance(most)}, longest ${distance(max)}`);
    return { title: 'latency of healthy answers, about', lines: texts };
  }
  if (row.kind === 'unseen') {
    const points = row.lanes.map((lane) => [lane, pointAt(lane.unseen, at)]).filter(([, point]) => point);
    const lines = points.map(([lane, [, , half, , max]]) => `${lane.name}: ${distance(max)}, usually ${distance(half)}`);
    return { title: 'outages up to this long could have gone unseen', lines };
  }
  if (row.kind === 'health') return findHealth(row, at);
  const band = row.bands && row.bands.find(({ from, to }) => from <= at && at < to);
  if (band) return { title: `${row.label} ${band.name}`, lines: [distance(band.to - band.from)], stretch: band };
  return row.band && row.band.from <= at && at < row.band.to ? { title: row.band.name, lines: [distance(row.band.to - row.band.from)] } : null;
};

const findHealth = (row, at) => {
  const late = row.lanes.map((lane) => pointAt(lane.lateness, at)).filter(Boolean);
  const blind = row.lanes.find((lane) => lane.blind.some(([from, to]) => from <= at && at < to));
  const held = row.heldUp.some(([from, to]) => from <= at && at < to);
  const lines = [`sent ${distance(Math.max(0, ...late.map((point) => point[4])))} late at the most`];
  if (blind) lines.push(`${blind.name} was blind here`);
  if (held) lines.push('the prober did not even reach itself');
  return { title: 'the prober', lines };
};

// Lines of the tooltip for a failed probe. All of its evidence is shown once the probe is selected.
const tipLines = (failure) => {
  if (!failure) return [];
  const { due, sent, done, reused, peer, server, body } = failure;
  const times = `sent ${distance(sent - due)} after due, done ${distance(done - due)} after due`;
  const way = `${reused ? 'reused' : 'new'} connection to ${peer || 'no peer'}`;
  return [times, way, server && `server ${server}`, body && `body ${body.slice(0, 80)}`].filter(Boolean);
};

// The probe at a position in a lane if slots are wide enough, else the counts of slots within a pixel.
const findProbes = (run, lane, at, perPixel) => {
  const slot = Math.min(lane.slots - 1, Math.max(0, Math.round((at - lane.phase) / lane.period)));
  if (lane.period >= perPixel * 3) {
    const holder = lane.holding(slot);
    const name = holder < 0 ? 'not resolved yet' : lane.classes[lane.kinds[holder]].name;
    const failure = run.failures[run.lanes.indexOf(lane)].get(slot);
    const losses = lane.lossesAt(lane.due(slot));
    const lines = losses.map(({ said }) => said);
    return { title: `${lane.name}: ${name}`, lines, hints: tipLines(failure), lane, slot, failure, loss: losses.pop(), at: lane.due(slot), kind: name };
  }
  const counts = lane.between(at - perPixel, at + perPixel);
  const [loss] = lane.lossesAt(at, perPixel * 2);
  return { title: lane.name, lines: [counted(counts, lane.classes), loss && loss.said].filter(Boolean), lane, loss, at };
};
