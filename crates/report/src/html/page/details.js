// Text about the timeline: the tooltip, the details of the selection, the legend, and the table of what is in view.

const MAX_ROWS = 300;

class Details {
  constructor(run) {
    this.run = run;
    for (const id of ['tip', 'finding', 'legend', 'table', 'reading']) this[id] = document.getElementById(id);
  }

  // Shows the tooltip beside the pointer, or hides it if there is nothing to show.
  showTip(found, { x, y }, left) {
    this.tip.hidden = !found;
    if (!found) return;
    this.tip.replaceChildren(element('b', found.title), ...[...found.lines, ...(found.hints || [])].map((line) => element('span', line)));
    const stage = this.tip.parentElement.clientWidth;
    const width = this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(stage - width, left + x + 14))}px`;
    this.tip.style.top = `${y + 18}px`;
  }

  // Shows the details of the selection below the timeline.
  show(found) {
    const facts = [...(found.at === undefined ? [] : this.instant(found.at)), ...this.facts(found)];
    const list = element('dl');
    for (const [name, fact] of facts) {
      const pair = element('div');
      pair.append(element('dt', name), element('dd', fact));
      list.append(pair);
    }
    this.finding.replaceChildren(element('h3', found.title), ...found.lines.map((line) => element('p', line)), list);
  }

  facts(found) {
    const { failure } = found;
    if (failure) return this.evidence(failure);
    if (found.slot === undefined) return [];
    const due = found.lane.due(found.slot);
    return [['slot', found.slot], ['due', this.offset(due)], ['class', found.kind], ['', 'of a probe that did not fail, or was not kept, no more is recorded']];
  }

  evidence(failure) {
    const since = (at) => `${this.offset(at)}, ${distance(at - failure.due)} after due`;
    const idle = failure.idle < 0 ? '' : `, idle for ${distance(failure.idle)}`;
    const reused = `reused, ${distance(failure.age)} old, ${some(failure.uses, 'request')} before${idle}`;
    const { uuid, traceparent } = failure.ids();
    const all = [
      ['slot', failure.slot],
      ['due', this.offset(failure.due)],
      ['sent', since(failure.sent)],
      ['done', since(failure.done) + (failure.timedOut ? ', given up by the prober' : '')],
      ['class', this.run.classes[failure.kind].name],
      ['status', failure.status || undefined],
      ['connection', failure.reused ? reused : 'new'],
      ['peer', failure.peer || 'none'],
      ['local port', failure.port || undefined],
      ['server', failure.server],
      ['body', failure.body],
      ['detail', failure.detail],
      ['uuid', uuid],
      ['traceparent', traceparent],
    ];
    return all.filter(([, fact]) => fact !== undefined);
  }

  offset(at) {
    return `${((at - this.run.origin) / 1e6).toFixed(3)} ms`;
  }

  // The date and the offset of an instant; of several runs only the time from their events on, since dates differ.
  instant(at) {
    if (this.run.parts) return [['from the event', offset(at - this.run.origin, 1e3)]];
    return [['at, UTC', timeOfDay(this.run.began_unix_us, at)], ['from the beginning', offset(at, 1e3)]];
  }

  // Shows which part of the run is in view.
  showRange(view) {
    const step = view.span / 200;
    const part = view.whole ? 'all of ' : '';
    this.reading.textContent = `${part}${distance(view.span)}, from ${offset(view.from - this.run.origin, step)} to ${offset(view.to - this.run.origin, step)}`;
  }

  drawLegend(colors) {
    const lanes = this.run.lanes;
    const entries = this.run.classes.map(({ name, health }, kind) => {
      const all = lanes.reduce((sum, lane) => sum + lane.before(lane.slots, new Float64Array(this.run.classes.length))[kind], 0);
      const entry = element('li');
      entry.append(colors.swatch(kind), element('span', `${name} x${all.toLocaleString('en')}`));
      return entry;
    });
    this.legend.replaceChildren(...entries);
  }

  // Fills the table with a row for each run of slots in view.
  fillTable(view) {
    if (!this.table.open) return;
    const rows = this.run.lanes.flatMap((lane, place) => this.rowsOf(lane, this.run.failures[place], view));
    const body = element('tbody');
    for (const row of rows.slice(0, MAX_ROWS)) {
      const line = element('tr');
      line.append(...row.map((cell, nth) => element(nth ? 'td' : 'th', cell, nth ? {} : { scope: 'row' })));
      body.append(line);
    }
    const head = element('tr');
    head.append(...['lane', 'from', 'to', 'class', 'probes', 'of the first'].map((name) => element('th', name, { scope: 'col' })));
    const [table, thead] = [element('table'), element('thead')];
    thead.append(head);
    table.append(thead, body);
    const rest = rows.length > MAX_ROWS ? [element('p', 'and more: zoom in to see them')] : [];
    this.table.lastElementChild.replaceChildren(table, ...rest);
  }

  rowsOf(lane, failures, { from, to }) {
    const [first, end] = [lane.slotAt(from), Math.min(lane.slots, lane.slotAt(to))];
    const rows = [];
    for (let run = Math.max(0, lane.runAt(first)); run < lane.length && lane.starts[run] < end && rows.length <= MAX_ROWS; run++) {
      const [begin, stop] = [Math.max(first, lane.starts[run]), Math.min(end, lane.starts[run] + lane.counts[run])];
      if (stop <= begin) continue;
      const failure = failures.get(begin);
      const evidence = failure ? this.evidence(failure).slice(2).map(([name, fact]) => `${name} ${fact}`).join('; ') : '';
      const name = lane.classes[lane.kinds[run]].name;
      rows.push([lane.name, this.offset(lane.due(begin)), this.offset(lane.due(stop - 1)), name, (stop - begin).toLocaleString('en'), evidence]);
    }
    return rows;
  }
}
