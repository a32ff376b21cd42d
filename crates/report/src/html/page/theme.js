// Dark or light, and paper.

const THEME = 'lapse-theme';
// The width of A4 between a centimetre of margin on either side.
const PAPER = 716;

// A browser may refuse to keep anything for a file that was opened from disk.
const kept = (name, value) => {
  try {
    return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value);
  } catch {
    return null;
  }
};

const dress = (theme) => {
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
};

// Lets the reader change the theme. Paper is light and narrow.
const wardrobe = (page) => {
  dress(kept(THEME));
  here('theme').addEventListener('click', () => {
    const isDark = getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim() === '1';
    dress(isDark ? 'light' : 'dark');
    kept(THEME, isDark ? 'light' : 'dark');
    page.repaint();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => page.repaint());
  addEventListener('beforeprint', () => {
    document.documentElement.dataset.paper = '';
    page.timeline.fit(PAPER);
    page.repaint();
    page.draw();
  });
  addEventListener('afterprint', () => {
    delete document.documentElement.dataset.paper;
    page.timeline.fit();
    page.repaint();
  });
};
