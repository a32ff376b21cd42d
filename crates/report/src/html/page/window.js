// The span of time in view: moving, zooming, and its form in the URL fragment.

// Minimum span of a view, in nanoseconds.
const MIN_SPAN = 2e5;

class View {
  constructor(end, changed) {
    this.changed = changed;
    this.end = Math.max(end, MIN_SPAN);
    [this.from, this.to] = [0, this.end];
  }

  get span() {
    return this.to - this.from;
  }

  get whole() {
    return this.from <= 0 && this.to >= this.end;
  }

  // Shows `[from, to)`, limited to the run and to the minimum span.
  show(from, to) {
    const span = Math.min(Math.max(to - from, MIN_SPAN), this.end);
    const begin = Math.min(Math.max(0, (from + to - span) / 2), this.end - span);
    [this.from, this.to] = [begin, begin + span];
    this.changed();
  }

  showAll() {
    this.show(0, this.end);
  }

  // Scales the span by `factor`, keeping the instant `at` at its position.
  zoom(factor, at = (this.from + this.to) / 2) {
    const span = Math.min(Math.max(this.span * factor, MIN_SPAN), this.end);
    const from = at - ((at - this.from) * span) / this.span;
    this.show(from, from + span);
  }

  move(by) {
    const step = Math.min(Math.max(by, -this.from), this.end - this.to);
    this.show(this.from + step, this.to + step);
  }

  // Moves the view to `[from, to)` in an animation of 180 ms, or at once if the user prefers reduced motion.
  glide(from, to) {
    cancelAnimationFrame(this.gliding);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return this.show(from, to);
    const [began, start, end] = [performance.now(), this.from, this.to];
    const frame = (now) => {
      const done = Math.min(1, Math.max(0, now - began) / 180);
      const part = 1 - (1 - done) ** 3;
      if (done < 1) this.gliding = requestAnimationFrame(frame);
      this.show(done < 1 ? start + (from - start) * part : from, done < 1 ? end + (to - end) * part : to);
    };
    this.gliding = requestAnimationFrame(frame);
  }

  get hash() {
    return this.whole ? '' : `#from=${(this.from / 1e6).toFixed(3)}&to=${(this.to / 1e6).toFixed(3)}`;
  }

  // The span in a URL fragment; null if it has none.
  static fromHash(hash) {
    const words = new URLSearchParams(hash.slice(1));
    const [from, to] = [parseFloat(words.get('from')), parseFloat(words.get('to'))];
    return Number.isFinite(from) && Number.isFinite(to) && to > from ? [from * 1e6, to * 1e6] : null;
  }
}
