// The selected disruption, outage, event or probe: its details are shown, and it is marked in the timeline and in the tables.

class PageSelection {
  constructor(page) {
    this.page = page;
    this.row = null;
    document.addEventListener('click', ({ target }) => this.follow(target));
    document.addEventListener('pointerover', ({ target }) => this.preview(target));
  }

  // All that have a table row, disruptions and outages, ordered by time.
  get losses() {
    const all = this.page.run.lanes.flatMap((lane) => lane.losses.map((loss) => ({ lane, loss })));
    return all.sort((one, other) => one.loss.from - other.loss.from);
  }

  select(what) {
    if (!what) return;
    const { page } = this;
    if (what.overview !== undefined) return page.view.show(what.overview - page.view.span / 2, what.overview + page.view.span / 2);
    page.details.show(what);
    page.mark(this.stretchOf(what));
    this.highlight(what);
  }

  stretchOf({ loss, event, lane, slot, stretch }) {
    if (slot !== undefined) return { from: lane.due(slot), to: lane.due(slot) + lane.period };
    if (loss) return { from: loss.from, to: loss.to + lane.period };
    return event ? { from: event.at, to: event.at } : stretch || null;
  }

  // Highlights the table row of the selected loss or event; the row of its disruption, if that is folded.
  highlight({ loss, event }) {
    for (const row of document.querySelectorAll('[aria-current]')) row.removeAttribute('aria-current');
    this.row = loss ? loss.within : null;
    const selectors = loss ? [loss.row, loss.within].map((row) => `[data-loss="${row}"]`) : [`[data-event="${this.page.run.events.indexOf(event)}"]`];
    const rows = selectors.map((selector) => document.querySelector(selector));
    (rows.find((row) => row?.offsetParent) || rows[0])?.setAttribute('aria-current', 'true');
  }

  selectLoss({ lane, loss }) {
    const what = loss.kind === 'disruption' ? 'disruption' : 'outage';
    this.select({ title: `${what} of ${lane.name}`, lines: [loss.said], lane, loss, at: loss.from });
  }

  // Selects the next disruption (`by` 1) or the previous one (-1), from the selected one or from the middle of the view.
  jump(by) {
    const { page } = this;
    const all = this.losses.filter(({ loss }) => loss.kind !== 'part');
    if (!all.length) return page.details.show({ title: 'no disruption', lines: ['no probe failed in this run'] });
    const next = all[(this.placeOf(all, by) + all.length) % all.length];
    const { from, to } = next.loss;
    const around = Math.max((to - from) / 3, 1e7);
    page.stopFollowing();
    page.view.glide(from - around, to + around);
    this.selectLoss(next);
  }

  placeOf(all, by) {
    const { view } = this.page;
    const selected = all.findIndex(({ loss }) => loss.row === this.row);
    if (selected >= 0) return selected + by;
    if (view.whole) return by > 0 ? 0 : -1;
    const middle = (view.from + view.to) / 2;
    return by > 0 ? all.findIndex(({ loss }) => loss.from > middle) : all.findLastIndex(({ loss }) => loss.to < middle);
  }

  // The disruption or outage whose table row contains `target`; undefined if there is none.
  lossIn(target) {
    const row = target.closest?.('[data-loss]');
    return row && this.losses.find(({ loss }) => String(loss.row) === row.dataset.loss);
  }

  // A click on a table row selects its loss or event and scrolls to the timeline; one on a button in it unfolds the row.
  follow(target) {
    if (target.matches?.('button')) return;
    const loss = this.lossIn(target);
    const happened = this.page.run.events[Number(target.closest?.('[data-event]')?.dataset.event)];
    if (loss) this.selectLoss(loss);
    if (happened) this.select(describeEvents([happened]));
    if (loss || happened) here('timeline').scrollIntoView({ block: 'nearest' });
  }

  preview(target) {
    const over = this.lossIn(target);
    if (over) this.page.mark(this.stretchOf(over));
  }
}
