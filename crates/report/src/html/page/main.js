// Puts it together, and ties the buttons and the address to it.

const page = new Page(read(document));
const choice = new Choice(page);
const { view } = page;

// Shows the stretch that the address asks for, if it asks for one.
const obey = () => {
  const stretch = View.asked(location.hash);
  if (stretch) [page.leave(), view.glide(...stretch)];
  return stretch;
};

new Hand(page, choice);
const tools = {
  previous: () => choice.jump(-1),
  next: () => choice.jump(1),
  closer: () => view.glide(view.from + view.span / 4, view.to - view.span / 4),
  farther: () => view.glide(view.from - view.span / 2, view.to + view.span / 2),
  all: () => view.glide(0, view.end),
};
for (const [id, act] of Object.entries(tools)) here(id).addEventListener('click', () => [page.leave(), act()]);
here('follow').addEventListener('click', () => {
  page.follows = !page.follows;
  if (!view.whole) page.newest = view.span;
  page.present();
  page.toNewest();
  // A link to a stretch and the newest second are not to be had at once.
  if (page.follows) history.replaceState(null, '', location.pathname + location.search);
});
here('table').addEventListener('toggle', () => page.finding.tabulate(view));
addEventListener('hashchange', obey);

// Of an episode with many outages the shorter ones are shown when they are asked for.
document.documentElement.dataset.script = '';
document.addEventListener('click', ({ target }) => {
  if (!target.matches('button.more')) return;
  target.setAttribute('aria-expanded', String(target.closest('tbody').classList.toggle('open')));
});

wardrobe(page);
page.repaint();
if (!obey()) page.toNewest();
if (page.run.live) follow((newer) => page.replace(newer));
