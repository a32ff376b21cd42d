// Updates the page of a run that goes on: polls the server, and replaces the report with each newer version.
//
// When the run ends, the final report is cached, so that it can be reloaded without the server (see worker.js).

const CACHE = 'lapse';

// Waits for a version of the page newer than `version`; null if the server does not answer.
const nextPage = async (version) => {
  const answer = await fetch(`next?after=${version}`, { cache: 'no-store' }).catch(() => null);
  if (!answer || !answer.ok) return null;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return { page, version: Number(answer.headers.get('x-version')) };
};

// Stores the current page, which is the final report, in the browser's cache.
const cacheReport = async () => {
  if (!('caches' in window) || !navigator.serviceWorker) return;
  const [cache, answer] = [await caches.open(CACHE), await fetch('./', { cache: 'no-store' })];
  if (answer.ok) await cache.put('./', answer);
};

// Replaces the sections around the timeline with those of a newer page. Equal sections stay, which keeps scroll
// positions, and what was unfolded is so in the newer page.
const replaceParts = (page) => {
  for (const { id } of document.querySelectorAll('button.fold[aria-expanded="true"]')) {
    const same = page.getElementById(id);
    if (same) unfold(same, true);
  }
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

// Marks the page as cut: the server is gone, but no end of the run was received.
const showCut = () => {
  const verdict = here('verdict');
  const word = verdict.querySelector('.word');
  document.title = document.title.replace(word.textContent, 'CUT');
  [word.textContent, verdict.className] = ['CUT', 'unsure'];
};

// Calls `replace` with each newer page until the run has ended or the server is gone.
const followRun = async (replace) => {
  const note = document.getElementById('live');
  if (navigator.serviceWorker) navigator.serviceWorker.register('worker.js').catch(() => {});
  note.textContent = 'live';
  for (let version = 0; ; ) {
    const next = await nextPage(version);
    if (!next) break;
    version = next.version;
    const goesOn = replace(next.page);
    if (goesOn) continue;
    note.textContent = 'the run has ended';
    return cacheReport().catch(() => {});
  }
  showCut();
  note.textContent = 'the run is not there any more: this is what was seen of it';
};
