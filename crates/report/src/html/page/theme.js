// The dark and light themes, and the layout for printing.

const THEME = 'lapse-theme';
// Width of A4 with margins of one centimetre, in CSS pixels.
const PAPER_WIDTH = 716;

// Reads or writes an item of local storage; null if the browser denies storage to a file opened from disk.
const stored = (name, value) => {
  try {
    return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value);
  } catch {
    return null;
  }
};

const setTheme = (theme) => {
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
};

// Restores the stored theme and connects the button. Printing uses the light theme and the paper's width.
const setUpTheme = (page) => {
  setTheme(stored(THEME));
  here('theme').addEventListener('click', () => {
    const isDark = getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim() === '1';
    setTheme(isDark ? 'light' : 'dark');
    stored(THEME, isDark ? 'light' : 'dark');
    page.repaint();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => page.repaint());
  addEventListener('beforeprint', () => {
    document.documentElement.dataset.paper = '';
    page.timeline.fit(PAPER_WIDTH);
    page.repaint();
    page.draw();
  });
  addEventListener('afterprint', () => {
    delete document.documentElement.dataset.paper;
    page.timeline.fit();
    page.repaint();
  });
};
