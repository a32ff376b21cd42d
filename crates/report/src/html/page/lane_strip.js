// Draws a lane: shares of classes if many slots share a pixel, runs of slots if those are wider, and single probes if
// each has room.

// Minimum width of a slot for single probes, in pixels.
const PROBE_ROOM = 7;

class LaneStrip {
  constructor(pen, colors, scale) {
    Object.assign(this, { pen, colors, scale });
  }

  draw(lane, row, failures) {
    const { from, to, width } = this.scale;
    const [first, end] = [lane.slotAt(from - lane.period), Math.min(lane.slots, lane.slotAt(to))];
    const room = lane.period / this.scale.perPixel;
    const runs = lane.runAt(end) - lane.runAt(first);
    if (end <= first) return;
    if (room >= PROBE_ROOM) this.probes(lane, row, failures, first, end, room);
    else if (runs <= width * 2) this.runs(lane, row, first, end);
    else this.shares(lane, row);
    this.brackets(lane, row, room >= PROBE_ROOM ? 'disruption' : 'part');
  }

  // Fills rectangles class by class, with one fill for each. Healthy classes come first, so that failures stay on top.
  fill(boxes) {
    boxes.forEach((list, kind) => {
      if (!list.length) return;
      this.pen.fillStyle = this.colors.fills[kind];
      this.pen.beginPath();
      for (const [x, y, width, height] of list) this.pen.rect(x, y, width, height);
      this.pen.fill();
    });
  }

  boxes(lane) {
    return lane.classes.map(() => []);
  }

  runs(lane, row, first, end) {
    const boxes = this.boxes(lane);
    for (let run = Math.max(0, lane.runAt(first)); run < lane.length && lane.starts[run] < end; run++) {
      const x = this.scale.x(lane.due(Math.max(lane.starts[run], first)));
      const right = this.scale.x(lane.due(Math.min(lane.starts[run] + lane.counts[run], end)));
      const bad = lane.healthOf(run) !== 'up';
      boxes[lane.kinds[run]].push([x, row.y, Math.max(right - x, bad ? 1.5 : 0.5), row.height]);
      if (bad && right - x > 64) this.name(lane, run, x, right, row);
    }
    this.fill(boxes);
    this.names();
  }

  // Collects the names of runs, which are drawn after all fills.
  name(lane, run, x, right, row) {
    (this.named ||= []).push([lane.classes[lane.kinds[run]].name, Math.max(x, 0), Math.min(right, this.scale.width), row]);
  }

  names() {
    const { pen, colors } = this;
    pen.font = colors.font(11);
    for (const [name, x, right, row] of this.named || []) {
      const width = pen.measureText(name).width;
      if (width + 16 > right - x) continue;
      pen.fillStyle = colors.of('paper');
      pen.fillRect(x + 5, row.y + row.height / 2 - 8, width + 8, 16);
      pen.fillStyle = colors.of('text');
      pen.fillText(name, x + 9, row.y + row.height / 2 + 4);
    }
    this.named = [];
  }

  // A column per pixel, with the failed share at the bottom and at least high enough to be visible.
  shares(lane, row) {
    const boxes = this.boxes(lane);
    const { width, from, perPixel } = this.scale;
    let [begin, end] = [new Float64Array(lane.classes.length), new Float64Array(lane.classes.length)];
    lane.before(Math.min(lane.slots, lane.slotAt(from)), begin);
    for (let x = 0; x < width; x++) {
      lane.before(Math.min(lane.slots, lane.slotAt(from + (x + 1) * perPixel)), end);
      this.column(lane, row, x, (kind) => end[kind] - begin[kind], boxes);
      [begin, end] = [end, begin];
    }
    this.fill(boxes);
  }

  column(lane, row, x, count, boxes) {
    let [all, bad] = [0, 0];
    lane.classes.forEach(({ health }, kind) => {
      all += count(kind);
      if (health !== 'up') bad += count(kind);
    });
    if (!all) return;
    const foot = bad && Math.max(4, (row.height * bad) / all);
    let y = row.y;
    lane.classes.forEach(({ health }, kind) => {
      if (!count(kind)) return;
      const height = health === 'up' ? ((row.height - foot) * count(kind)) / (all - bad) : (foot * count(kind)) / bad;
      boxes[kind].push([x, y, 1, height]);
      y += height;
    });
  }

  // Each probe at its due time, and for a failed one a line from sent to done.
  probes(lane, row, failures, first, end, room) {
    const boxes = this.boxes(lane);
    const mark = Math.min(10, room * 0.55);
    for (let slot = first; slot < end; slot++) {
      const run = lane.holding(slot);
      if (run < 0) continue;
      const x = this.scale.x(lane.due(slot));
      const up = lane.healthOf(run) === 'up';
      boxes[lane.kinds[run]].push([x, row.y + (up ? 8 : 2), mark, row.height - (up ? 12 : 12)]);
      const failure = failures.get(slot);
      if (failure) this.flight(failure, row, slot);
    }
    this.fill(boxes);
  }

  flight({ sent, done }, row, slot) {
    const { pen, colors, scale } = this;
    const y = row.y + row.height - 7 + (slot % 3) * 3;
    const [x, right] = [scale.x(sent), scale.x(done)];
    pen.strokeStyle = colors.of('text');
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(Math.min(right, scale.width + 2), y);
    for (const end of [x, right]) {
      pen.moveTo(end, y - 2);
      pen.lineTo(end, y + 2);
    }
    pen.stroke();
  }

  // The bounds of disruptions above the lane: a bar for the certain part, and a hairline up to the outer bounds. Where
  // single probes have room, the outages within a disruption are drawn instead of it.
  brackets(lane, row, hidden) {
    const { pen, colors, scale } = this;
    pen.fillStyle = colors.of('text');
    for (const { kind, from, to, began, ended } of lane.losses) {
      if (kind === hidden || to < scale.from || from > scale.to) continue;
      const [early, sure] = [scale.x(began[0] ?? from), scale.x(began[1])];
      const [until, late] = [scale.x(ended[0]), scale.x(ended[1] ?? to)];
      if (scale.x(to) - scale.x(from) < 8 && late - early < 40) continue;
      pen.fillRect(early, row.y - 2, late - early, 0.75);
      if (until > sure) pen.fillRect(sure, row.y - 3, until - sure, 2);
    }
  }
}
