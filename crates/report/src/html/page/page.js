// The run, its timeline and what is in view, held together; a newer report can take this one's place.

const here = (id) => document.getElementById(id);

const read = (document) => {
  const run = JSON.parse(document.getElementById('data').textContent);
  run.lanes = run.lanes.map((lane) => new Lane(lane, run.classes));
  run.failures = failuresOf(run.failures, run.lanes);
  return run;
};

class Page {
  constructor(run) {
    this.run = run;
    this.finding = new Finding(run);
    this.timeline = new Timeline(run, here('canvas'), here('labels'));
    this.view = new View(run.end, () => this.renew());
    this.marked = null;
    this.follows = run.live;
    // How much of it is followed.
    this.newest = 3e10;
    this.present();
    new ResizeObserver(() => [this.timeline.fit(), this.renew()]).observe(here('stage'));
  }

  // Draws once a frame, however often something changes; what need not be done in every frame is done a little later.
  renew() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.settle(), 150);
    });
  }

  draw() {
    this.timeline.draw(this.view, this.marked);
    this.finding.read(this.view);
  }

  settle() {
    this.finding.tabulate(this.view);
    const { hash } = this.view;
    if (!this.follows && hash !== location.hash) history.replaceState(null, '', hash || location.pathname + location.search);
  }

  mark(stretch) {
    this.marked = stretch;
    this.renew();
  }

  repaint() {
    this.timeline.ink.renew();
    this.finding.explain(this.timeline.ink);
    this.renew();
  }

  // What is at a place of the timeline.
  found({ x, y, at }) {
    const row = this.timeline.rowAt(y);
    return row && find(this.run, row, at, this.timeline.scale.perPixel, x / this.timeline.width);
  }

  // Shows what there is of the run; an empty one has no timeline.
  present() {
    here('timeline').hidden = this.run.end === 0;
    for (const id of ['previous', 'next']) here(id).hidden = !this.run.lanes.some(({ outages }) => outages.length);
    here('follow').hidden = !this.run.live;
    here('follow').setAttribute('aria-pressed', String(this.follows));
    this.timeline.fit();
  }

  // Stops following the newest second.
  leave() {
    this.follows = false;
    here('follow').setAttribute('aria-pressed', 'false');
  }

  toNewest() {
    if (this.follows) this.view.show(Math.max(0, this.run.end - this.newest), this.run.end);
  }

  // Takes a newer page's report in; says whether the run still goes on.
  replace(document) {
    const { whole } = this.view;
    this.run = this.finding.run = read(document);
    this.timeline.load(this.run);
    exchange(document);
    this.present();
    this.finding.explain(this.timeline.ink);
    this.view.end = Math.max(this.run.end, LEAST);
    if (this.follows) this.toNewest();
    else if (whole) this.view.showAll();
    this.renew();
    return this.run.live;
  }
}
