// The selected outage, event or probe: its details are shown, and it is marked in the timeline and in the tables.

class PageSelection {
  constructor(page) {
    this.page = page;
    this.row = null;
    document.addEventListener('click', ({ target }) => this.follow(target));
    document.addEventListener('pointerover', ({ target }) => this.preview(target));
  }

  // All outages that have a table row, ordered by time.
  get outages() {
    const all = this.page.run.lanes.flatMap((lane) => lane.outages.map((outage) => ({ lane, outage })));
    return all.sort((one, other) => one.outage.from - other.outage.from);
  }

  select(what) {
    if (!what) return;
    const { page } = this;
    if (what.overview !== undefined) return page.view.show(what.overview - page.view.span / 2, what.overview + page.view.span / 2);
    page.details.show(what);
    page.mark(this.stretchOf(what));
    this.highlight(what);
  }

  stretchOf({ outage, event, lane, slot, stretch }) {
    if (slot !== undefined) return { from: lane.due(slot), to: lane.due(slot) + lane.period };
    if (outage) return { from: outage.from, to: outage.to + lane.period };
    return event ? { from: event.at, to: event.at } : stretch || null;
  }

  // Highlights the table row of the selected outage or event.
  highlight({ outage, event }) {
    for (const row of document.querySelectorAll('[aria-current]')) row.removeAttribute('aria-current');
    this.row = outage ? outage.row : null;
    const selector = outage ? `[data-outage="${outage.row}"]` : `[data-event="${this.page.run.events.indexOf(event)}"]`;
    document.querySelector(selector)?.setAttribute('aria-current', 'true');
  }

  selectOutage({ lane, outage }) {
    this.select({ title: `outage of ${lane.name}`, lines: [outage.said], lane, outage, at: outage.from });
  }

  // Selects the next outage (`by` 1) or the previous one (-1), from the selected one or from the middle of the view.
  jump(by) {
    const { outages, page } = this;
    if (!outages.length) return page.details.show({ title: 'no outage', lines: ['no probe failed in this run'] });
    const next = outages[(this.placeOf(outages, by) + outages.length) % outages.length];
    const { from, to } = next.outage;
    const around = Math.max((to - from) / 3, 1e7);
    page.stopFollowing();
    page.view.glide(from - around, to + around);
    this.selectOutage(next);
  }

  placeOf(outages, by) {
    const { view } = this.page;
    const selected = outages.findIndex(({ outage }) => outage.row === this.row);
    if (selected >= 0) return selected + by;
    if (view.whole) return by > 0 ? 0 : -1;
    const middle = (view.from + view.to) / 2;
    return by > 0 ? outages.findIndex(({ outage }) => outage.from > middle) : outages.findLastIndex(({ outage }) => outage.to < middle);
  }

  // The outage whose table row contains `target`; undefined if there is none.
  outageIn(target) {
    const row = target.closest?.('[data-outage]');
    return row && this.outages.find(({ outage }) => String(outage.row) === row.dataset.outage);
  }

  // A click on a table row selects its outage or event and scrolls to the timeline.
  follow(target) {
    const outage = this.outageIn(target);
    const happened = this.page.run.events[Number(target.closest?.('[data-event]')?.dataset.event)];
    if (outage) this.selectOutage(outage);
    if (happened) this.select(describeEvents([happened]));
    if (outage || happened) here('timeline').scrollIntoView({ block: 'nearest' });
  }

  preview(target) {
    const over = this.outageIn(target);
    if (over) this.page.mark(this.stretchOf(over));
  }
}
