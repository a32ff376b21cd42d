// Colours and fill patterns of classes. Failed classes of one family share a colour and differ by pattern, so that the
// chart is readable without colour.

const FAMILIES = [
  { of: /^(dns|refused|unreachable)$/, colour: 'refused', marks: ['solid', 'cross', 'dots'] },
  { of: /timeout$/, colour: 'timeout', marks: ['level', 'dashes'] },
  { of: /^(reset|closed|truncated|stream-reset)$/, colour: 'cut', marks: ['rising', 'falling', 'zigzag', 'both'] },
  { of: /^(status|grpc)/, colour: 'status', marks: ['dots', 'dashes', 'grid', 'upright', 'falling'] },
  { of: /./, colour: 'odd', marks: ['upright', 'grid', 'both'] },
];

const LINES = {
  rising: [[0, 8, 8, 0], [-2, 2, 2, -2], [6, 10, 10, 6]],
  falling: [[0, 0, 8, 8], [-2, 6, 2, 10], [6, -2, 10, 2]],
  level: [[0, 2, 8, 2], [0, 6, 8, 6]],
  upright: [[2, 0, 2, 8], [6, 0, 6, 8]],
  grid: [[0, 4, 8, 4], [4, 0, 4, 8]],
  dashes: [[0, 2, 4, 2], [4, 6, 8, 6]],
  cross: [[2, 2, 6, 6], [2, 6, 6, 2]],
  both: [[0, 0, 8, 8], [0, 8, 8, 0]],
  zigzag: [[0, 6, 4, 2], [4, 2, 8, 6]],
};

class Colors {
  constructor(classes) {
    this.classes = classes;
    this.assignLooks();
    this.readTheme();
  }

  // Assigns each class a colour and a pattern.
  assignLooks() {
    const used = new Map();
    this.looks = this.classes.map(({ name, health }) => {
      if (health !== 'failed') return { colour: health, mark: { blind: 'rising', slow: 'dots' }[health] };
      const family = FAMILIES.find(({ of }) => of.test(name));
      const nth = used.get(family) || 0;
      used.set(family, nth + 1);
      return { colour: family.colour, mark: family.marks[nth % family.marks.length] };
    });
  }

  // Reads the colours from the style sheet, again after each change of the theme.
  readTheme() {
    const style = getComputedStyle(document.documentElement);
    this.of = (name) => style.getPropertyValue(`--${name}`).trim();
    this.font = (size) => `${size}px ${style.getPropertyValue('--type')}`;
    this.fills = this.looks.map((look) => this.pattern(look));
    this.blind = this.pattern({ colour: 'blind', mark: 'rising' });
  }

  pattern({ colour, mark }) {
    const [tile, ratio] = [document.createElement('canvas'), Math.min(2, Math.ceil(devicePixelRatio || 1))];
    tile.width = tile.height = 8 * ratio;
    const pen = tile.getContext('2d');
    pen.scale(ratio, ratio);
    pen.fillStyle = this.of(colour);
    pen.fillRect(0, 0, 8, 8);
    pen.strokeStyle = pen.fillStyle = this.of(colour === 'blind' || colour === 'slow' ? `${colour}-mark` : 'mark');
    pen.lineWidth = 1.2;
    if (mark === 'dots') for (const [x, y] of [[1, 1], [5, 5]]) pen.fillRect(x, y, 2, 2);
    for (const [x, y, toX, toY] of LINES[mark] || []) {
      pen.beginPath();
      pen.moveTo(x, y);
      pen.lineTo(toX, toY);
      pen.stroke();
    }
    const pattern = pen.createPattern(tile, 'repeat');
    pattern.setTransform(new DOMMatrix().scale(1 / ratio));
    return pattern;
  }

  // A canvas filled with the pattern of a class, for the legend.
  swatch(kind) {
    const canvas = element('canvas', undefined, { width: 36, height: 24, 'aria-hidden': 'true' });
    const pen = canvas.getContext('2d');
    pen.scale(2, 2);
    pen.fillStyle = this.fills[kind];
    pen.fillRect(0, 0, 18, 12);
    return canvas;
  }
}
