// A small picture for each id, so that eyes can follow who is who: five by five, mirrored.

import { h } from './dom.js';

/** The hue of an id, in degrees. */
export function hue(id) {
  let sum = 0;
  for (let i = 0; i < id.length; i++) sum = (sum * 31 + id.charCodeAt(i)) % 3600;
  return sum / 10;
}

/** A picture of an id. */
export function glyph(id, size = 22, round = false) {
  const cells = [];
  for (let i = 0; i < 15; i++) {
    const code = parseInt(id[(i * 2 + 1) % id.length] ?? '0', 36) || 0;
    if (code % 2) continue;
    const x = i % 3;
    const y = Math.floor(i / 3);
    cells.push(cell(x, y));
    if (x < 2) cells.push(cell(4 - x, y));
  }
  const colour = `oklch(0.62 0.15 ${hue(id)})`;
  return h('svg', { class: 'glyph', viewBox: '-1 -1 7 7', width: size, height: size, 'aria-hidden': 'true' },
    h('rect', { x: -1, y: -1, width: 7, height: 7, rx: round ? 3.5 : 1.4, fill: colour, 'fill-opacity': 0.16 }),
    h('g', { fill: colour }, cells));
}

const cell = (x, y) => h('rect', { x, y, width: 1.02, height: 1.02 });
