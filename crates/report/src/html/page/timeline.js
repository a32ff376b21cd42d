// Draws all rows on a common time axis into one canvas.

class Timeline {
  constructor(run, canvas, labels) {
    Object.assign(this, { canvas, labels, pen: canvas.getContext('2d') });
    this.load(run);
  }

  load(run) {
    Object.assign(this, { run, aimed: null });
    this.colors = new Colors(run.classes);
    this.rows = rowsOf(run);
    this.whole = new Overview(this, run);
    this.width = 0;
  }

  // Resizes the canvas to `width` and lays out rows and labels.
  fit(width = this.canvas.parentElement.clientWidth) {
    const narrow = width < 640;
    this.gutter = narrow ? 0 : 148;
    const height = arrange(this.rows, narrow);
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    this.width = Math.max(50, width - this.gutter);
    Object.assign(this.canvas, { width: this.width * ratio, height: height * ratio });
    Object.assign(this.canvas.style, { width: `${this.width}px`, height: `${height}px`, marginLeft: `${this.gutter}px` });
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.height = height;
    this.label(narrow);
  }

  label(narrow) {
    const made = this.rows.filter((row) => row.label).map((row) => {
      // Names differ at their end, so a long one loses its beginning.
      const text = row.label.length > 18 && !narrow && row.kind !== 'title' ? `…${row.label.slice(-16)}` : row.label;
      const label = element('span', text, { class: `label ${row.kind}`, title: row.label });
      const height = narrow ? 15 : row.height;
      Object.assign(label.style, { top: `${row.labelY}px`, height: `${height}px`, lineHeight: `${height}px`, width: narrow ? '100%' : `${this.gutter - 12}px` });
      return label;
    });
    this.labels.replaceChildren(...made);
  }

  // The scale from instants to pixels for a view.
  scaleOf({ from, to }) {
    const perPixel = (to - from) / this.width;
    return { from, to, perPixel, width: this.width, x: (at) => (at - from) / perPixel };
  }

  draw(view, marked) {
    if (!this.width) this.fit();
    const scale = this.scaleOf(view);
    Object.assign(this, { scale, strip: new LaneStrip(this.pen, this.colors, scale) });
    this.pen.clearRect(0, 0, this.width, this.height);
    this.grid();
    for (const row of this.rows) this[row.kind](row);
    if (marked) this.mark(marked);
    if (this.aimed) this.aim(this.aimed);
    if (this.brush) this.mark({ from: this.brush[0], to: this.brush[1] });
  }

  grid() {
    const { pen, colors, scale } = this;
    const step = niceStep(scale.perPixel * 90);
    pen.font = colors.font(11);
    const { origin } = this.run;
    for (let at = origin + Math.ceil((scale.from - origin) / step) * step; at <= scale.to; at += step) {
      const x = Math.round(scale.x(at)) + 0.5;
      pen.fillStyle = colors.of('line');
      pen.fillRect(x - 0.5, 36, 1, this.height - 36);
      pen.fillStyle = colors.of('quiet');
      const text = offset(at - origin, step);
      const width = pen.measureText(text).width;
      if (x + width < this.width) pen.fillText(text, Math.max(0, x - width / 2), 31);
    }
  }

  overview(row) {
    this.whole.draw(row);
  }

  axis() {}

  title() {}

  // A bar from one instant to another, clipped to the view, with its name if that fits.
  bar(row, { from, to, name }, fill, text) {
    const { pen, colors, scale } = this;
    const [x, right] = [Math.max(-1, scale.x(from)), Math.min(this.width + 1, scale.x(to))];
    if (right < 0 || x > this.width) return;
    pen.fillStyle = fill;
    pen.fillRect(x, row.y, Math.max(right - x - 1, 1), row.height);
    pen.font = colors.font(11);
    if (name && pen.measureText(name).width + 12 < right - x) {
      pen.fillStyle = text;
      pen.fillText(name, Math.max(x, 0) + 6, row.y + row.height / 2 + 4);
    }
  }

  phases(row) {
    for (const band of row.bands) this.bar(row, band, this.colors.of('band'), this.colors.of('text'));
  }

  lane(row) {
    this.strip.draw(row.lane, row, this.run.failures[this.run.lanes.indexOf(row.lane)]);
  }

  // Latency on a logarithmic scale: a band from the median to the p99, and a line for the maximum.
  latency(row) {
    const { pen, colors } = this;
    const { least, most } = row;
    const y = (ns) => row.y + (row.height - 2) * (1 - Math.max(0, Math.log(ns / least) / Math.log(most / least)));
    row.lanes.forEach((lane, nth) => {
      this.curve(lane.latency, (x, right, [, , half, p99, max]) => {
        pen.globalAlpha = 0.28;
        pen.fillStyle = colors.of('accent');
        pen.fillRect(x, y(p99), right - x, Math.max(1, y(half) - y(p99)));
        pen.globalAlpha = nth ? 0.6 : 1;
        pen.fillRect(x, y(half), right - x, 1);
        pen.fillStyle = colors.of('quiet');
        pen.fillRect(x, y(max), right - x, 1);
        pen.globalAlpha = 1;
      });
    });
  }

  curve(points, draw) {
    for (const point of points) {
      const [x, right] = [this.scale.x(point[0]), this.scale.x(Math.min(point[1], this.run.end))];
      if (right >= 0 && x <= this.width) draw(x, Math.max(right, x + 0.5), point);
    }
  }

  ticks(row) {
    const half = row.band ? 13 : 0;
    if (row.band) this.bar({ y: row.y, height: half }, row.band, this.colors.of('band'), this.colors.of('text'));
    this.tick({ ...row, y: row.y + half, height: row.height - half }, 1);
  }

  tick(row, inset) {
    const { pen, colors, scale } = this;
    let last = -9;
    for (const event of row.events) {
      const x = scale.x(event.at);
      if (x < 0 || x > this.width || x - last < 0.5) continue;
      last = x;
      const { loud } = event;
      pen.fillStyle = colors.of(loud ? 'accent' : 'text');
      pen.fillRect(x - (loud ? 1 : 0.5), row.y + inset, loud ? 2 : 1, row.height - 2 * inset);
    }
  }

  // The number of pods listed as endpoints. None at all is shown in the colour of failures.
  count(row) {
    const { colors } = this;
    const most = Math.max(1, ...row.steps.map(({ count }) => count));
    for (const { from, to, count } of row.steps) {
      const height = count ? Math.max(3, (row.height * count) / most) : row.height;
      const name = count ? String(count) : 'none';
      this.bar({ y: row.y + row.height - height, height }, { from, to, name: height < 10 ? '' : name }, colors.of(count ? 'band' : 'paper'), colors.of(count ? 'text' : 'bad'));
    }
  }

  object(row) {
    const { pen, colors } = this;
    for (const stretch of row.object.stretches) {
      const bar = { y: row.y + 4, height: row.height - 8 };
      this.bar(bar, { ...stretch, name: '' }, colors.of(stretch.state.replace(' ', '-')), '');
      if (stretch.state !== 'unready') continue;
      const [x, right] = [this.scale.x(stretch.from), this.scale.x(stretch.to)];
      pen.strokeStyle = colors.of('quiet');
      pen.lineWidth = 1;
      pen.strokeRect(x + 0.5, bar.y + 0.5, Math.max(right - x - 2, 1), bar.height - 1);
    }
    for (const [from, to] of row.object.member) {
      this.bar({ y: row.y + row.height - 3, height: 2 }, { from, to }, colors.of('accent'), '');
    }
    this.tick(row, 1);
  }

  // Bars of the longest duration of each point, on a logarithmic scale of four decades from `least` nanoseconds.
  bars(row, pointsOf, least, lowest) {
    const { pen, colors } = this;
    const height = (ns) => Math.min(1, Math.max(lowest, Math.log10(ns / least) / 4)) * (row.height - 2);
    pen.fillStyle = colors.of('line');
    pen.fillRect(0, row.y + row.height - 1, this.width, 1);
    pen.fillStyle = colors.of('quiet');
    for (const lane of row.lanes) {
      this.curve(pointsOf(lane), (x, right, point) => pen.fillRect(x, row.y + row.height - height(point[4]), right - x, height(point[4])));
    }
  }

  // The longest outage that could have gone unseen, from 1 ms to 10 s. There is always one, so a bar is never empty.
  unseen(row) {
    this.bars(row, (lane) => lane.unseen, 1e6, 0.08);
  }

  // The send delay from 100 µs to 1 s, and blind time.
  health(row) {
    const { pen, colors } = this;
    this.bars(row, (lane) => lane.lateness, 1e5, 0);
    pen.fillStyle = colors.blind;
    for (const [from, to] of [...row.lanes.flatMap((lane) => lane.blind), ...row.heldUp]) {
      const [x, right] = [this.scale.x(from), this.scale.x(to)];
      if (right < 0 || x > this.width) continue;
      pen.fillRect(x, row.y, Math.max(right - x, 1.5), row.height);
    }
  }

  // Marks the row with the keyboard's focus, and the middle of the view, which Enter selects.
  aim(row) {
    const { pen, colors } = this;
    pen.strokeStyle = pen.fillStyle = colors.of('accent');
    pen.lineWidth = 1.5;
    pen.strokeRect(0.75, row.y - 1, this.width - 1.5, row.height + 2);
    pen.fillRect(this.width / 2 - 0.5, row.y - 4, 1.5, row.height + 8);
  }

  // Shades the selected span, or the span of a drag.
  mark({ from, to }) {
    const { pen, colors, scale } = this;
    const [x, right] = [scale.x(Math.min(from, to)), scale.x(Math.max(from, to))];
    pen.globalAlpha = 0.12;
    pen.fillStyle = colors.of('accent');
    pen.fillRect(x, 36, Math.max(right - x, 1), this.height);
    pen.globalAlpha = 1;
    for (const edge of [x, right]) pen.fillRect(edge - 0.5, 36, 1, this.height);
  }

  rowAt(y) {
    return this.rows.find((row) => y >= row.y - 3 && y < row.y + row.height + 3);
  }
}
