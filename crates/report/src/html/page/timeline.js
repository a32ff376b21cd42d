// Draws the rows on their common axis, into one canvas, a frame at a time.

class Timeline {
  constructor(run, canvas, labels) {
    Object.assign(this, { canvas, labels, pen: canvas.getContext('2d') });
    this.load(run);
  }

  load(run) {
    Object.assign(this, { run, aimed: null });
    this.ink = new Ink(run.classes);
    this.rows = rowsOf(run);
    this.whole = new Overview(this, run);
    this.width = 0;
  }

  // Fits the canvas to the page.
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
      // What tells names apart stands at their end.
      const text = row.label.length > 18 && !narrow && row.kind !== 'title' ? `…${row.label.slice(-16)}` : row.label;
      const label = element('span', text, { class: `label ${row.kind}`, title: row.label });
      const height = narrow ? 15 : row.height;
      Object.assign(label.style, { top: `${row.labelY}px`, height: `${height}px`, lineHeight: `${height}px`, width: narrow ? '100%' : `${this.gutter - 12}px` });
      return label;
    });
    this.labels.replaceChildren(...made);
  }

  // Where instants lie, in the view as it is.
  scaleOf({ from, to }) {
    const perPixel = (to - from) / this.width;
    return { from, to, perPixel, width: this.width, x: (at) => (at - from) / perPixel };
  }

  draw(view, marked) {
    if (!this.width) this.fit();
    const scale = this.scaleOf(view);
    Object.assign(this, { scale, strip: new Strip(this.pen, this.ink, scale) });
    this.pen.clearRect(0, 0, this.width, this.height);
    this.grid();
    for (const row of this.rows) this[row.kind](row);
    if (marked) this.mark(marked);
    if (this.aimed) this.aim(this.aimed);
    if (this.brush) this.mark({ from: this.brush[0], to: this.brush[1] });
  }

  grid() {
    const { pen, ink, scale } = this;
    const step = niceStep(scale.perPixel * 90);
    pen.font = ink.font(11);
    for (let at = Math.ceil(scale.from / step) * step; at <= scale.to; at += step) {
      const x = Math.round(scale.x(at)) + 0.5;
      pen.fillStyle = ink.of('line');
      pen.fillRect(x - 0.5, 36, 1, this.height - 36);
      pen.fillStyle = ink.of('quiet');
      const text = offset(at, step);
      const width = pen.measureText(text).width;
      if (x + width < this.width) pen.fillText(text, Math.max(0, x - width / 2), 31);
    }
  }

  overview(row) {
    this.whole.draw(row);
  }

  axis() {}

  title() {}

  // A bar from one instant to another, cut to what is in view, with its name if that fits.
  bar(row, { from, to, name }, fill, text) {
    const { pen, ink, scale } = this;
    const [x, right] = [Math.max(-1, scale.x(from)), Math.min(this.width + 1, scale.x(to))];
    if (right < 0 || x > this.width) return;
    pen.fillStyle = fill;
    pen.fillRect(x, row.y, Math.max(right - x - 1, 1), row.height);
    pen.font = ink.font(11);
    if (name && pen.measureText(name).width + 12 < right - x) {
      pen.fillStyle = text;
      pen.fillText(name, Math.max(x, 0) + 6, row.y + row.height / 2 + 4);
    }
  }

  phases(row) {
    for (const band of row.bands) this.bar(row, band, this.ink.of('band'), this.ink.of('text'));
  }

  lane(row) {
    this.strip.draw(row.lane, row, this.run.failures[this.run.lanes.indexOf(row.lane)]);
  }

  // From the median to the p99 as a band, the longest as a line above; the scale is logarithmic.
  latency(row) {
    const { pen, ink } = this;
    const { least, most } = row;
    const y = (ns) => row.y + (row.height - 2) * (1 - Math.max(0, Math.log(ns / least) / Math.log(most / least)));
    row.lanes.forEach((lane, nth) => {
      this.curve(lane.latency, (x, right, [, , half, p99, max]) => {
        pen.globalAlpha = 0.28;
        pen.fillStyle = ink.of('accent');
        pen.fillRect(x, y(p99), right - x, Math.max(1, y(half) - y(p99)));
        pen.globalAlpha = nth ? 0.6 : 1;
        pen.fillRect(x, y(half), right - x, 1);
        pen.fillStyle = ink.of('quiet');
        pen.fillRect(x, y(max), right - x, 1);
        pen.globalAlpha = 1;
      });
    });
  }

  curve(pulses, draw) {
    for (const pulse of pulses) {
      const [x, right] = [this.scale.x(pulse[0]), this.scale.x(Math.min(pulse[1], this.run.end))];
      if (right >= 0 && x <= this.width) draw(x, Math.max(right, x + 0.5), pulse);
    }
  }

  ticks(row) {
    const half = row.band ? 13 : 0;
    if (row.band) this.bar({ y: row.y, height: half }, row.band, this.ink.of('band'), this.ink.of('text'));
    this.tick({ ...row, y: row.y + half, height: row.height - half }, 1);
  }

  tick(row, inset) {
    const { pen, ink, scale } = this;
    let last = -9;
    for (const event of row.events) {
      const x = scale.x(event.at);
      if (x < 0 || x > this.width || x - last < 0.5) continue;
      last = x;
      const { loud } = event;
      pen.fillStyle = ink.of(loud ? 'accent' : 'text');
      pen.fillRect(x - (loud ? 1 : 0.5), row.y + inset, loud ? 2 : 1, row.height - 2 * inset);
    }
  }

  // How many pods are in the lists of endpoints; nobody at all is written like a failure.
  count(row) {
    const { ink } = this;
    const most = Math.max(1, ...row.steps.map(({ count }) => count));
    for (const { from, to, count } of row.steps) {
      const height = count ? Math.max(3, (row.height * count) / most) : row.height;
      const name = count ? String(count) : 'none';
      this.bar({ y: row.y + row.height - height, height }, { from, to, name: height < 10 ? '' : name }, ink.of(count ? 'band' : 'paper'), ink.of(count ? 'text' : 'bad'));
    }
  }

  object(row) {
    const { pen, ink } = this;
    for (const stretch of row.object.stretches) {
      const bar = { y: row.y + 4, height: row.height - 8 };
      this.bar(bar, { ...stretch, name: '' }, ink.of(stretch.state.replace(' ', '-')), '');
      if (stretch.state !== 'unready') continue;
      const [x, right] = [this.scale.x(stretch.from), this.scale.x(stretch.to)];
      pen.strokeStyle = ink.of('quiet');
      pen.lineWidth = 1;
      pen.strokeRect(x + 0.5, bar.y + 0.5, Math.max(right - x - 2, 1), bar.height - 1);
    }
    for (const [from, to] of row.object.member) {
      this.bar({ y: row.y + row.height - 3, height: 2 }, { from, to }, ink.of('accent'), '');
    }
    this.tick(row, 1);
  }

  // How late probes were sent, from a millisecond to a second, and blind time.
  health(row) {
    const { pen, ink } = this;
    const height = (ns) => Math.min(1, Math.max(0, Math.log10(ns / 1e5) / 4)) * (row.height - 2);
    pen.fillStyle = ink.of('line');
    pen.fillRect(0, row.y + row.height - 1, this.width, 1);
    pen.fillStyle = ink.of('quiet');
    for (const lane of row.lanes) {
      this.curve(lane.lateness, (x, right, pulse) => pen.fillRect(x, row.y + row.height - height(pulse[4]), right - x, height(pulse[4])));
    }
    pen.fillStyle = ink.blind;
    for (const [from, to] of [...row.lanes.flatMap((lane) => lane.blind), ...row.heldUp]) {
      const [x, right] = [this.scale.x(from), this.scale.x(to)];
      if (right < 0 || x > this.width) continue;
      pen.fillRect(x, row.y, Math.max(right - x, 1.5), row.height);
    }
  }

  // The row that keys have chosen, and the middle of the view, of which they ask.
  aim(row) {
    const { pen, ink } = this;
    pen.strokeStyle = pen.fillStyle = ink.of('accent');
    pen.lineWidth = 1.5;
    pen.strokeRect(0.75, row.y - 1, this.width - 1.5, row.height + 2);
    pen.fillRect(this.width / 2 - 0.5, row.y - 4, 1.5, row.height + 8);
  }

  // What is selected, or swept over.
  mark({ from, to }) {
    const { pen, ink, scale } = this;
    const [x, right] = [scale.x(Math.min(from, to)), scale.x(Math.max(from, to))];
    pen.globalAlpha = 0.12;
    pen.fillStyle = ink.of('accent');
    pen.fillRect(x, 36, Math.max(right - x, 1), this.height);
    pen.globalAlpha = 1;
    for (const edge of [x, right]) pen.fillRect(edge - 0.5, 36, 1, this.height);
  }

  rowAt(y) {
    return this.rows.find((row) => y >= row.y - 3 && y < row.y + row.height + 3);
  }
}
