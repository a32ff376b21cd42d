// Mouse, touch and keyboard input on the timeline: wheel, drag, pinch and keys.

class Input {
  constructor(page, selection) {
    Object.assign(this, { page, selection, timeline: page.timeline, view: page.view, touches: new Map() });
    const { canvas } = this.timeline;
    canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.moved(event));
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, (event) => this.up(event));
    canvas.addEventListener('pointerleave', () => this.touches.size || this.point(null));
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('blur', () => this.aim(null));
  }

  // Shows the tooltip for what is under the pointer.
  point(place) {
    this.page.details.showTip(place && this.page.found(place), place || {}, this.timeline.gutter);
  }

  pick(place) {
    this.selection.select(this.page.found(place));
  }

  at(event) {
    const box = this.timeline.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, at: this.view.from + (x * this.view.span) / this.timeline.width };
  }

  // Horizontal wheel moves, vertical wheel zooms. If the view cannot change, the page scrolls instead.
  wheel(event) {
    const { view, timeline } = this;
    const unit = event.deltaMode === 1 ? 16 : 1;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      if (view.whole) return;
      view.move((sideways * unit * view.span) / timeline.width);
    } else {
      if (view.whole && event.deltaY > 0) return;
      view.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY * unit)) / 150), this.at(event).at);
    }
    this.page.stopFollowing();
    event.preventDefault();
  }

  down(event) {
    if (event.button) return;
    this.page.stopFollowing();
    this.aim(null);
    this.timeline.canvas.setPointerCapture(event.pointerId);
    this.touches.set(event.pointerId, this.at(event));
    this.pans = event.pointerType === 'touch' || event.shiftKey;
    this.start = this.at(event);
    this.dragged = this.touches.size > 1;
  }

  moved(event) {
    const here = this.at(event);
    const before = this.touches.get(event.pointerId);
    if (!before) return this.point(here);
    if (Math.abs(here.x - this.start.x) > 4) this.dragged = true;
    if (this.touches.size === 2) this.pinch(event.pointerId, before, here);
    else if (this.dragged && this.pans) this.view.move(((before.x - here.x) * this.view.span) / this.timeline.width);
    else if (this.dragged) this.sweep([this.start.at, here.at]);
    this.touches.set(event.pointerId, this.at(event));
  }

  pinch(id, before, here) {
    const [, other] = [...this.touches].find(([touch]) => touch !== id);
    const [was, is] = [Math.abs(before.x - other.x), Math.abs(here.x - other.x)];
    if (was > 8 && is > 8) this.view.zoom(was / is, this.at({ clientX: other.x, clientY: 0 }).at);
  }

  sweep(brush) {
    this.timeline.brush = brush;
    this.view.changed();
  }

  up(event) {
    const swept = this.timeline.brush;
    this.touches.delete(event.pointerId);
    this.sweep(null);
    if (swept && event.type === 'pointerup') this.view.glide(Math.min(...swept), Math.max(...swept));
    else if (!this.dragged && event.type === 'pointerup') this.pick(this.at(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { view } = this;
    const keys = {
      ArrowLeft: () => view.move(-view.span / 8),
      ArrowRight: () => view.move(view.span / 8),
      PageUp: () => view.move(-view.span),
      PageDown: () => view.move(view.span),
      Home: () => view.move(-view.end),
      End: () => view.move(view.end),
      '+': () => view.zoom(0.6),
      '=': () => view.zoom(0.6),
      ArrowUp: () => this.step(-1),
      '-': () => view.zoom(1 / 0.6),
      ArrowDown: () => this.step(1),
      0: () => view.glide(0, view.end),
      Escape: () => view.glide(0, view.end),
      n: () => this.selection.jump(1),
      p: () => this.selection.jump(-1),
      Enter: () => this.step(0),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    this.page.stopFollowing();
    keys[event.key]();
  }

  // Focuses the row `by` rows further down, and selects what is in the middle of it.
  step(by) {
    const rows = this.timeline.rows.filter(({ label, kind }) => label && kind !== 'title');
    const first = rows.findIndex(({ kind }) => kind === 'lane');
    const now = rows.indexOf(this.timeline.aimed);
    const row = rows[now < 0 ? first : Math.min(rows.length - 1, Math.max(0, now + by))];
    this.aim(row);
    const found = this.page.found({ x: this.timeline.width / 2, y: row.y + 1, at: (this.view.from + this.view.to) / 2 });
    this.selection.select(found || { title: row.label, lines: ['nothing in the middle of the view'] });
  }

  // Marks the row that has the keyboard's focus; null for none.
  aim(row) {
    this.timeline.aimed = row;
    this.page.redraw();
  }
}
