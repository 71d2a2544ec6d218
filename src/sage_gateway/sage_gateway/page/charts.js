// Charts: a few lines on a canvas each. Values are [0, 1] unless a scale is given; null is a gap.

const GRID_SHOWN_FROM = 0.15;
const HUES = 10;

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function heat(value) {
  return colour(value >= 0.5 ? "hot" : value >= 0.25 ? "warm" : "cool");
}

export const lettering = (weight, sizePx) =>
  `${weight} ${sizePx}px ${getComputedStyle(document.body).fontFamily}`;

// A context in CSS pixels, cleared, and its size.
export function fresh(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

// Runs of points between gaps, as [x, y] in pixels.
function runs(values, width, height, top) {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const found = [];
  let run = null;
  values.forEach((value, at) => {
    if (value === null || value === undefined) {
      run = null;
      return;
    }
    if (!run) found.push((run = []));
    const share = Math.min(Math.max(value / top, 0), 1);
    run.push([at * step, height - 1.5 - share * (height - 3)]);
  });
  return found;
}

// The last minutes of one number. options: top (full scale), level (a dashed line), ink, fill.
export function sparkline(canvas, values, options = {}) {
  const { context, width, height } = fresh(canvas);
  if (!width) return;
  const top = options.top ?? 1;
  const ink = options.ink ?? colour("accent");
  if (options.level !== undefined) {
    const y = height - 1.5 - (options.level / top) * (height - 3);
    context.strokeStyle = colour("line-strong");
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
    context.setLineDash([]);
  }
  for (const run of runs(values, width, height, top)) {
    context.beginPath();
    run.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
    if (run.length === 1) context.lineTo(run[0][0] + 1, run[0][1]);
    context.strokeStyle = ink;
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    context.stroke();
    if (options.fill === false) continue;
    context.lineTo(run[run.length - 1][0], height);
    context.lineTo(run[0][0], height);
    context.globalAlpha = 0.14;
    context.fillStyle = ink;
    context.fill();
    context.globalAlpha = 1;
  }
}

// The salience grid, smoothed, and the attended regions over a picture.
export function overlay(canvas, grid, regions) {
  const { context, width, height } = fresh(canvas);
  if (grid && grid.rows) {
    const cells = new OffscreenCanvas(grid.columns, grid.rows);
    const cell = cells.getContext("2d");
    cell.fillStyle = colour("heat");
    grid.values.forEach((value, at) => {
      if (value < GRID_SHOWN_FROM) return;
      cell.globalAlpha = 0.75 * Math.min(value, 1);
      cell.fillRect(at % grid.columns, Math.floor(at / grid.columns), 1, 1);
    });
    context.imageSmoothingQuality = "high";
    context.drawImage(cells, 0, 0, width, height);
  }
  regions.forEach((region, rank) => frame(context, region, width, height, rank));
}

function frame(context, region, width, height, rank) {
  const x = region.x_min * width;
  const y = region.y_min * height;
  const w = (region.x_max - region.x_min) * width;
  const h = (region.y_max - region.y_min) * height;
  context.setLineDash(rank ? [4, 4] : []);
  for (const [ink, line] of [["rgba(0,0,0,.55)", rank ? 2.5 : 4.5], ["#fff", rank ? 1 : 2]]) {
    context.strokeStyle = ink;
    context.lineWidth = line;
    context.beginPath();
    context.roundRect(x, y, w, h, 6);
    context.stroke();
  }
  context.setLineDash([]);
}

// A puzzle: codes 0..9, row-major, as colours of one order.
export function puzzle(canvas, codes, columns) {
  const rows = codes.length / columns;
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  codes.forEach((code, at) => {
    const level = code / (HUES - 1);
    context.fillStyle = `oklch(${24 + 66 * level}% 0.13 ${265 + 165 * level})`;
    context.fillRect(at % columns, Math.floor(at / columns), 1, 1);
  });
}
