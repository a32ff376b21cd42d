// Entry point: creates the page, and connects the toolbar and the URL fragment.

const page = new Page(readRun(document));
const selection = new PageSelection(page);
const { view } = page;

// Shows the span in the URL fragment, and returns it; null if there is none.
const showAddress = () => {
  const span = View.fromHash(location.hash);
  if (span) [page.stopFollowing(), view.glide(...span)];
  return span;
};

new Input(page, selection);
const tools = {
  previous: () => selection.jump(-1),
  next: () => selection.jump(1),
  closer: () => view.glide(view.from + view.span / 4, view.to - view.span / 4),
  farther: () => view.glide(view.from - view.span / 2, view.to + view.span / 2),
  all: () => view.glide(0, view.end),
};
for (const [id, act] of Object.entries(tools)) here(id).addEventListener('click', () => [page.stopFollowing(), act()]);
here('follow').addEventListener('click', () => {
  page.follows = !page.follows;
  if (!view.whole) page.newest = view.span;
  page.showControls();
  page.toNewest();
  // A followed view changes all the time, so the URL has no span.
  if (page.follows) history.replaceState(null, '', location.pathname + location.search);
});
here('table').addEventListener('toggle', () => page.details.fillTable(view));
addEventListener('hashchange', showAddress);

document.documentElement.dataset.script = '';
document.addEventListener('click', ({ target }) => target.matches('button.fold') && unfold(target, target.getAttribute('aria-expanded') !== 'true'));

setUpTheme(page);
page.repaint();
if (!showAddress()) page.toNewest();
if (page.run.live) followRun((newer) => page.replace(newer));
