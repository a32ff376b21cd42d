// Connects the run, its timeline, the view and the details, and redraws them. A newer report can replace the run.

const here = (id) => document.getElementById(id);

const readRun = (document) => runOf(JSON.parse(document.getElementById('data').textContent));

class Page {
  constructor(run) {
    this.run = run;
    this.details = new Details(run);
    this.timeline = new Timeline(run, here('canvas'), here('labels'));
    this.view = new View(run.end, () => this.redraw());
    this.marked = null;
    this.follows = run.live;
    // Span of the view that follows the end of a live run, in nanoseconds.
    this.newest = 3e10;
    this.showControls();
    new ResizeObserver(() => [this.timeline.fit(), this.redraw()]).observe(here('stage'));
  }

  // Schedules one drawing per frame at most; slower updates follow 150 ms after the last one.
  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.afterDrawing(), 150);
    });
  }

  draw() {
    this.timeline.draw(this.view, this.marked);
    this.details.showRange(this.view);
  }

  afterDrawing() {
    this.details.fillTable(this.view);
    const { hash } = this.view;
    if (!this.follows && hash !== location.hash) history.replaceState(null, '', hash || location.pathname + location.search);
  }

  mark(stretch) {
    this.marked = stretch;
    this.redraw();
  }

  repaint() {
    this.timeline.colors.readTheme();
    this.details.drawLegend(this.timeline.colors);
    this.redraw();
  }

  // What is at a position of the timeline; see `find` in row.js.
  found({ x, y, at }) {
    const row = this.timeline.rowAt(y);
    return row && find(this.run, row, at, this.timeline.scale.perPixel, x / this.timeline.width);
  }

  // Shows the timeline unless the run is empty, and the buttons that apply to it.
  showControls() {
    here('timeline').hidden = this.run.end === 0;
    for (const id of ['previous', 'next']) here(id).hidden = !this.run.lanes.some(({ losses }) => losses.length);
    here('follow').hidden = !this.run.live;
    here('follow').setAttribute('aria-pressed', String(this.follows));
    this.timeline.fit();
  }

  // Stops following the end of a live run.
  stopFollowing() {
    this.follows = false;
    here('follow').setAttribute('aria-pressed', 'false');
  }

  toNewest() {
    if (this.follows) this.view.show(Math.max(0, this.run.end - this.newest), this.run.end);
  }

  // Replaces the report with that of a newer page, and returns true if the run goes on.
  replace(document) {
    const { whole } = this.view;
    this.run = this.details.run = readRun(document);
    this.timeline.load(this.run);
    replaceParts(document);
    this.showControls();
    this.details.drawLegend(this.timeline.colors);
    this.view.end = Math.max(this.run.end, MIN_SPAN);
    if (this.follows) this.toNewest();
    else if (whole) this.view.showAll();
    this.redraw();
    return this.run.live;
  }
}
