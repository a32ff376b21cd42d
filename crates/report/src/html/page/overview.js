// The whole run as a thin strip above the rows, with a frame around the part in view.

class Overview {
  constructor(timeline, run) {
    Object.assign(this, { timeline, lanes: run.lanes, end: Math.max(run.end, MIN_SPAN), columns: [] });
  }

  // Computes the worst class of any lane in each pixel, as an index, or -1 if there is none.
  fit(width) {
    this.columns = new Int16Array(width).fill(-1);
    for (const lane of this.lanes) {
      let [begin, end] = [lane.before(0, new Float64Array(lane.classes.length)), new Float64Array(lane.classes.length)];
      for (let x = 0; x < width; x++) {
        lane.before(Math.min(lane.slots, lane.slotAt(((x + 1) * this.end) / width)), end);
        const worst = end.reduce((worst, count, kind) => (count > begin[kind] && this.rank(kind) >= this.rank(worst) ? kind : worst), -1);
        if (this.rank(worst) > this.rank(this.columns[x])) this.columns[x] = worst;
        [begin, end] = [end, begin];
      }
    }
  }

  rank(kind) {
    return kind < 0 ? -1 : ['up', 'slow', 'blind', 'failed'].indexOf(this.lanes[0].classes[kind].health);
  }

  draw(row) {
    const { pen, colors, scale, width } = this.timeline;
    if (this.columns.length !== Math.floor(width)) this.fit(Math.floor(width));
    this.columns.forEach((kind, x) => {
      if (kind < 0) return;
      pen.fillStyle = colors.fills[kind];
      pen.fillRect(x, row.y + 2, 1, row.height - 4);
    });
    const [x, right] = [scale.from, scale.to].map((at) => (at * width) / this.end);
    pen.strokeStyle = colors.of('accent');
    pen.lineWidth = 1.5;
    if (right - x < width - 1) pen.strokeRect(x - 1, row.y + 0.5, Math.max(right - x, 3) + 2, row.height - 1);
  }
}
