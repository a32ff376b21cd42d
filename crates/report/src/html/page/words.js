// Formats instants and durations for the timeline. The report's figures are not made here; they come with the page.

const units = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']];

// A duration with three digits: `1.25 s`, `412 ms`.
const distance = (ns) => {
  const [size, unit] = units.find(([size]) => ns >= size) || units[2];
  const figure = ns / size;
  return `${figure.toFixed(figure >= 100 || ns === 0 ? 0 : figure >= 10 ? 1 : 2)} ${unit}`;
};

// An offset in seconds or minutes, with enough digits to distinguish steps of `step`.
const offset = (ns, step) => {
  if (step % 6e10 === 0) return `${Math.round(ns / 6e10)} min`;
  const digits = step >= 1e9 ? 0 : Math.min(6, Math.ceil(9 - Math.log10(step) - 1e-9));
  return `${(ns / 1e9).toFixed(digits)} s`;
};

// The time of day in UTC, to the millisecond.
const timeOfDay = (beganUnixUs, ns) => {
  const date = new Date(Math.floor((beganUnixUs + ns / 1e3) / 1e3));
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(11, 23);
};

const some = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// A round distance between ticks, at least `least`: 1, 2 or 5 times a power of ten; whole minutes or hours above 30 s.
const niceStep = (least) => {
  const minutes = [6e10, 12e10, 3e11, 6e11, 9e11, 18e11, 36e11, 72e11, 216e11, 864e11];
  if (least > 3e10) return minutes.find((step) => step >= least) || least;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const fit = [1, 2, 5, 10].find((times) => times * power >= least);
  return fit * power;
};

// Counts by class, most frequent first: `refused x20, ok x3`.
const counted = (counts, classes) =>
  [...counts]
    .map((count, kind) => [count, classes[kind].name])
    .filter(([count]) => count > 0)
    .sort((a, b) => b[0] - a[0])
    .map(([count, name]) => `${name} x${count.toLocaleString('en')}`)
    .join(', ');

const element = (tag, text, attributes = {}) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

// Shows or hides what a button folds: the shorter disruptions of its episode, or the outages below its own row.
const unfold = (button, open) => {
  button.setAttribute('aria-expanded', String(open));
  if (button.dataset.fold === 'shorter') return button.closest('tbody').classList.toggle('open', open);
  for (let row = button.closest('tr').nextElementSibling; row?.matches('.part'); row = row.nextElementSibling) row.classList.toggle('open', open);
};
