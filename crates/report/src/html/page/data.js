// Decodes the page's data: packed numbers, and the failed probes with their evidence.

const bytesOf = (base64) => {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
};

// Reads packed numbers in sequence (LEB128, see pack.rs). Multiplies instead of shifting, since numbers may exceed 32
// bits.
class Reader {
  constructor(base64) {
    this.bytes = bytesOf(base64);
    this.at = 0;
  }

  get more() {
    return this.at < this.bytes.length;
  }

  next() {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (!(byte > 127)) return number + (byte || 0) * scale;
      number += (byte - 128) * scale;
    }
  }

  // The next signed number, in zigzag encoding.
  step() {
    const number = this.next();
    return number % 2 ? -(number + 1) / 2 : number / 2;
  }
}

// The id of a probe as a UUID and as a `traceparent`, computed as probe_id.rs does.
const idsOf = (seed, lane, slot) => {
  const word = (number) => BigInt.asUintN(64, number);
  const mixed = (bits) => {
    bits = word((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n);
    bits = word((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn);
    return bits ^ (bits >> 31n);
  };
  const hex = (number) => number.toString(16).padStart(16, '0');
  const all = BigInt(`0x${seed}`);
  const nth = (BigInt(lane) << 48n) + BigInt(slot);
  const random = mixed(word(all + nth * 0x9e3779b97f4a7c15n));
  const high = (mixed((all >> 64n) ^ random) & ~0xf000n) | 0x4000n;
  const low = BigInt.asUintN(62, random) | (1n << 63n);
  const id = hex(high) + hex(low);
  const uuid = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-');
  return { uuid, traceparent: `00-${id}-${hex(mixed(low))}-01` };
};

// What gives the ids that a probe carried, once they are asked for.
const carriedIds = (seed, lane, slot, [uuid, traceparent]) => () => {
  if (!seed) return {};
  const ids = idsOf(seed, lane, slot);
  return { uuid: uuid ? ids.uuid : undefined, traceparent: traceparent ? ids.traceparent : undefined };
};

// Failed probes: for each lane, a map from slot to probe. The order of the fields is that of failure.rs.
const failuresOf = ({ count, packed, texts, id_seed, ids }, lanes) => {
  const reader = new Reader(packed);
  const byLane = lanes.map(() => new Map());
  const text = () => texts[reader.next() - 1];
  let [last, slot] = [-1, 0];
  for (let nth = 0; nth < count; nth++) {
    const lane = reader.next();
    slot = reader.next() + (lane === last ? slot : 0);
    last = lane;
    const due = lanes[lane].due(slot);
    const sent = due + reader.step();
    const done = sent + reader.step();
    const [kind, flags, status] = [reader.next(), reader.next(), reader.next()];
    const [peer, port, server, body, detail] = [text(), reader.next(), text(), text(), text()];
    const [age, uses, idle] = [reader.next() * 1000, reader.next(), (reader.next() - 1) * 1000];
    byLane[lane].set(slot, {
      slot, due, sent, done, kind, timedOut: flags % 2 === 1, reused: flags > 1, status, peer, port, server, body, detail, age, uses, idle,
      ids: carriedIds(id_seed, lane, slot, ids[lane]),
    });
  }
  return byLane;
};
