// A page of a run that goes on asks for what happened since, and puts the new report in the old one's place.
//
// When the run ends it keeps the final report, also for the time when nobody serves it any more: see worker.js.

const KEPT = 'lapse';

// Waits for the next state of the run; null when nobody answers any more.
const following = async (version) => {
  const answer = await fetch(`/next?after=${version}`, { cache: 'no-store' }).catch(() => null);
  if (!answer || !answer.ok) return null;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return { page, version: Number(answer.headers.get('x-version')) };
};

// Keeps what stands at this address now: the final report.
const keep = async () => {
  if (!('caches' in window) || !navigator.serviceWorker) return;
  const [cache, answer] = [await caches.open(KEPT), await fetch('/', { cache: 'no-store' })];
  if (answer.ok) await cache.put('/', answer);
};

// Puts the parts of a newer page in place of this one's, but for those that say the same.
const exchange = (page) => {
  const own = here('timeline');
  const parts = [...page.querySelector('main').children];
  const place = parts.findIndex((part) => part.id === 'timeline');
  const fresh = (part) => {
    const old = here(part.id);
    return old && old.isEqualNode(part) ? old : document.adoptNode(part);
  };
  const [above, below] = [parts.slice(0, place).map(fresh), parts.slice(place + 1).map(fresh)];
  for (const part of [...own.parentElement.children]) {
    if (part !== own && !above.includes(part) && !below.includes(part)) part.remove();
  }
  own.before(...above);
  own.after(...below);
  document.title = page.title;
  document.querySelector('.about').textContent = page.querySelector('.about').textContent;
};

// Says that the run goes on no more and came to no end: nothing else on the page will change.
const cut = () => {
  const verdict = here('verdict');
  const word = verdict.querySelector('.word');
  document.title = document.title.replace(word.textContent, 'CUT');
  [word.textContent, verdict.className] = ['CUT', 'unsure'];
};

// Calls `renew` with each new page, until the run has ended or its server is gone.
const follow = async (renew) => {
  const note = document.getElementById('live');
  if (navigator.serviceWorker) navigator.serviceWorker.register('/worker.js').catch(() => {});
  note.textContent = 'live';
  for (let version = 0; ; ) {
    const next = await following(version);
    if (!next) break;
    version = next.version;
    const goesOn = renew(next.page);
    if (goesOn) continue;
    note.textContent = 'the run has ended';
    return keep().catch(() => {});
  }
  cut();
  note.textContent = 'the run is not there any more: this is what was seen of it';
};
