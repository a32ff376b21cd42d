// What is chosen, by whatever hand: it is told, marked in the timeline, and lit in the tables.

class Choice {
  constructor(page) {
    this.page = page;
    this.row = null;
    document.addEventListener('click', ({ target }) => this.follow(target));
    document.addEventListener('pointerover', ({ target }) => this.preview(target));
  }

  // All outages that have a row, in the order of time.
  get outages() {
    const all = this.page.run.lanes.flatMap((lane) => lane.outages.map((outage) => ({ lane, outage })));
    return all.sort((one, other) => one.outage.from - other.outage.from);
  }

  choose(what) {
    if (!what) return;
    const { page } = this;
    if (what.overview !== undefined) return page.view.show(what.overview - page.view.span / 2, what.overview + page.view.span / 2);
    page.finding.tell(what);
    page.mark(this.stretchOf(what));
    this.light(what);
  }

  stretchOf({ outage, event, lane, slot, stretch }) {
    if (slot !== undefined) return { from: lane.due(slot), to: lane.due(slot) + lane.period };
    if (outage) return { from: outage.from, to: outage.to + lane.period };
    return event ? { from: event.at, to: event.at } : stretch || null;
  }

  // Shows in the tables which outage or event it is.
  light({ outage, event }) {
    for (const row of document.querySelectorAll('[aria-current]')) row.removeAttribute('aria-current');
    this.row = outage ? outage.row : null;
    const selector = outage ? `[data-outage="${outage.row}"]` : `[data-event="${this.page.run.events.indexOf(event)}"]`;
    document.querySelector(selector)?.setAttribute('aria-current', 'true');
  }

  chooseOutage({ lane, outage }) {
    this.choose({ title: `outage of ${lane.name}`, lines: [outage.said], lane, outage, at: outage.from });
  }

  // To the next outage, counted from the one that is chosen or from the middle of the view.
  jump(by) {
    const { outages, page } = this;
    if (!outages.length) return page.finding.tell({ title: 'no outage', lines: ['no probe failed in this run'] });
    const next = outages[(this.placeOf(outages, by) + outages.length) % outages.length];
    const { from, to } = next.outage;
    const around = Math.max((to - from) / 3, 1e7);
    page.leave();
    page.view.glide(from - around, to + around);
    this.chooseOutage(next);
  }

  placeOf(outages, by) {
    const { view } = this.page;
    const chosen = outages.findIndex(({ outage }) => outage.row === this.row);
    if (chosen >= 0) return chosen + by;
    if (view.whole) return by > 0 ? 0 : -1;
    const middle = (view.from + view.to) / 2;
    return by > 0 ? outages.findIndex(({ outage }) => outage.from > middle) : outages.findLastIndex(({ outage }) => outage.to < middle);
  }

  // The outage whose row holds `target`, if one does.
  outageIn(target) {
    const row = target.closest?.('[data-outage]');
    return row && this.outages.find(({ outage }) => String(outage.row) === row.dataset.outage);
  }

  // A row of a table shows in the timeline what it is about.
  follow(target) {
    const outage = this.outageIn(target);
    const happened = this.page.run.events[Number(target.closest?.('[data-event]')?.dataset.event)];
    if (outage) this.chooseOutage(outage);
    if (happened) this.choose(tellEvents([happened]));
    if (outage || happened) here('timeline').scrollIntoView({ block: 'nearest' });
  }

  preview(target) {
    const over = this.outageIn(target);
    if (over) this.page.mark(this.stretchOf(over));
  }
}
