// A lane's run lengths, with a fast count of slots by class in any span of time, which keeps zooming cheap.
//
// Prefix sums per block of runs make a count as fast for a million runs as for ten.

const BLOCK = 64;

class Lane {
  constructor(wire, classes) {
    Object.assign(this, { name: wire.name, policy: wire.policy, target: wire.target, phase: wire.phase, period: 1e9 / wire.rate });
    Object.assign(this, { latency: wire.latency, lateness: wire.lateness, unseen: wire.unseen, blind: wire.blind });
    this.losses = wire.losses.map((loss, nth) => ({ ...loss, row: wire.first_row + nth }));
    // The row of the disruption that a loss belongs to, which for all but a part is its own.
    this.losses.forEach((loss, nth) => (loss.within = loss.kind === 'part' ? this.losses[nth - 1].within : loss.row));
    this.classes = classes;
    this.unpack(wire.runs);
    this.sum();
  }

  unpack(packed) {
    const reader = new Reader(packed);
    const most = reader.bytes.length / 2 + 1;
    const [kinds, starts, counts] = [new Uint16Array(most), new Float64Array(most), new Float64Array(most)];
    let [length, slot] = [0, 0];
    while (reader.more) {
      const head = reader.next();
      if (head % 2) slot += reader.next();
      kinds[length] = head >> 1;
      starts[length] = slot;
      counts[length] = reader.next();
      slot += counts[length++];
    }
    Object.assign(this, { kinds, starts, counts, length, slots: slot });
  }

  sum() {
    const width = this.classes.length;
    const blocks = Math.ceil(this.length / BLOCK) + 1;
    this.sums = new Float64Array(blocks * width);
    for (let run = 0; run < this.length; run++) {
      const block = Math.floor(run / BLOCK) + 1;
      if (run % BLOCK === 0) this.sums.copyWithin(block * width, (block - 1) * width, block * width);
      this.sums[block * width + this.kinds[run]] += this.counts[run];
    }
  }

  due(slot) {
    return this.phase + Math.floor(slot * this.period);
  }

  // The first slot due at `at` or later.
  slotAt(at) {
    return Math.max(0, Math.ceil((at - this.phase) / this.period - 1e-6));
  }

  // The last run that begins at `slot` or before; -1 if there is none.
  runAt(slot) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= slot) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  // The run that holds `slot`; -1 if there is no record of it.
  holding(slot) {
    const run = this.runAt(slot);
    return run >= 0 && slot < this.starts[run] + this.counts[run] ? run : -1;
  }

  healthOf(run) {
    return this.classes[this.kinds[run]].health;
  }

  // Counts the slots of each class before `slot` and writes the counts to `into`.
  before(slot, into) {
    const width = this.classes.length;
    const last = this.runAt(slot - 1);
    const block = Math.max(0, Math.floor(last / BLOCK));
    for (let kind = 0; kind < width; kind++) into[kind] = this.sums[block * width + kind];
    for (let run = block * BLOCK; run <= last; run++) {
      into[this.kinds[run]] += Math.min(this.counts[run], slot - this.starts[run]);
    }
    return into;
  }

  // The number of slots of each class due in `[from, to)`.
  between(from, to) {
    const width = this.classes.length;
    const [begin, end] = [new Float64Array(width), new Float64Array(width)];
    this.before(this.slotAt(from), begin);
    this.before(this.slotAt(to), end);
    return end.map((count, kind) => count - begin[kind]);
  }

  // The disruption at `at`, extended by `slack` on both sides, and after it those of its outages that are there.
  lossesAt(at, slack = 0) {
    return this.losses.filter(({ from, to }) => from - slack <= at && at < to + this.period + slack);
  }
}
