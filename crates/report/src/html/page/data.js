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

// Failed probes: for each lane, a map from slot to probe. The order of the fields is that of failure.rs.
const failuresOf = ({ count, packed, texts }, lanes) => {
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
    });
  }
  return byLane;
};
