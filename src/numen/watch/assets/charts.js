// Small charts, drawn as SVG.

import { h } from './dom.js';
import { glyph } from './glyph.js';

/** A line of numbers in time. */
export function spark(numbers, label, width = 84, height = 22) {
  if (numbers.length < 2) return h('span', { class: 'faint' }, '–');
  const top = Math.max(...numbers, 1);
  const points = numbers.map((value, i) =>
    `${((i / (numbers.length - 1)) * (width - 4) + 2).toFixed(1)},${(height - 3 - (value / top) * (height - 6)).toFixed(1)}`);
  const last = points.at(-1).split(',');
  return h('svg', { class: 'spark', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label },
    h('polyline', { points: points.join(' ') }),
    h('circle', { cx: last[0], cy: last[1], r: 2 }));
}

/** A histogram as bars. */
export function bars(counts, label, width = 150, height = 34) {
  const top = Math.max(...counts, 1);
  const step = width / counts.length;
  return h('svg', { class: 'bars', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
    counts.map((count, i) => {
      const tall = count ? Math.max(3, (count / top) * (height - 2)) : 1.5;
      return h('rect', { class: count ? '' : 'none', x: i * step + 1, y: height - tall, width: step - 2, height: tall, rx: 1.5 });
    }));
}

/** Parts of a whole in one bar. */
export function stack(parts, label) {
  const all = parts.reduce((sum, part) => sum + part.value, 0) || 1;
  let x = 0;
  const drawn = parts.filter((part) => part.value > 0).map((part) => {
    const width = Math.max((part.value / all) * 1000, 3);
    const rect = h('rect', { class: `p-${part.name}`, x, y: 0, width: Math.max(width - 2, 1), height: 20 },
      h('title', null, `${part.name} ${part.value}`));
    x += width;
    return rect;
  });
  return h('svg', { class: 'stack', viewBox: `0 0 ${Math.max(x, 1000)} 20`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label }, drawn);
}

/** Tickets as a field of dots, the newest last. */
export function field(tickets, describe) {
  const columns = 30;
  const rows = Math.max(1, Math.ceil(tickets.length / columns));
  return h('svg', { class: 'field', viewBox: `0 0 ${columns * 12} ${rows * 12}`, role: 'img', 'aria-label': `${tickets.length} tickets` },
    tickets.map((ticket, i) => h('circle', {
      key: ticket.id, class: ticket.state, cx: (i % columns) * 12 + 6, cy: Math.floor(i / columns) * 12 + 6, r: ticket.state === 'lost' ? 2 : 4,
    }, h('title', null, describe(ticket)))));
}

// --- graphs --------------------------------------------------------------------------------------

const places = new Map();

/** Find places for nodes: springs along edges, all pushing each other; the same every time. */
function settle(nodes, edges, width, height) {
  const at = new Map(nodes.map((node, i) => {
    const angle = (i / nodes.length) * 2 * Math.PI;
    const inner = node.role === 'verifier' || node.role === 'observer' ? 0.35 : 0.8;
    return [node.id, places.get(node.id) ?? { x: Math.cos(angle) * inner, y: Math.sin(angle) * inner }];
  }));
  const rounds = 140;
  for (let round = 0; round < rounds; round++) {
    const heat = 0.08 * (1 - round / rounds);
    const push = new Map(nodes.map((node) => [node.id, { x: 0, y: 0 }]));
    for (const a of nodes) for (const b of nodes) if (a.id < b.id) pull(at, push, a.id, b.id, (d) => -0.045 / (d * d + 0.01));
    for (const edge of edges) pull(at, push, edge.from, edge.to, (d) => (d - 0.75) * 0.35);
    for (const node of nodes) {
      const move = push.get(node.id);
      const here = at.get(node.id);
      const length = Math.hypot(move.x, move.y) || 1;
      here.x = clamp(here.x + (move.x / length) * Math.min(length, heat) - here.x * 0.01);
      here.y = clamp(here.y + (move.y / length) * Math.min(length, heat) - here.y * 0.01);
    }
  }
  for (const [id, place] of at) places.set(id, place);
  if (places.size > 500) places.clear();
  const xs = [...at.values()].map((place) => place.x);
  const ys = [...at.values()].map((place) => place.y);
  const scale = (value, all, size, edge) => {
    const low = Math.min(...all);
    const span = Math.max(...all) - low || 1;
    return edge + ((value - low) / span) * (size - 2 * edge);
  };
  return new Map([...at].map(([id, place]) => [id, { x: scale(place.x, xs, width, 46), y: scale(place.y, ys, height, 34) }]));
}

const clamp = (value) => Math.max(-1.6, Math.min(1.6, value));

function pull(at, push, from, to, force) {
  const a = at.get(from);
  const b = at.get(to);
  if (!a || !b || from === to) return;
  const dx = b.x - a.x || 0.001;
  const dy = b.y - a.y || 0.001;
  const distance = Math.hypot(dx, dy);
  const strength = force(distance) / distance;
  push.get(from).x += dx * strength;
  push.get(from).y += dy * strength;
  push.get(to).x -= dx * strength;
  push.get(to).y -= dy * strength;
}

/** Who vouches for whom. */
export function graph(nodes, edges, name, width = 520, height = 380) {
  const at = settle(nodes, edges, width, height);
  const lines = edges.map((edge) => {
    const a = at.get(edge.from);
    const b = at.get(edge.to);
    const bend = 0.12;
    const mx = (a.x + b.x) / 2 - (b.y - a.y) * bend;
    const my = (a.y + b.y) / 2 + (b.x - a.x) * bend;
    const total = edge.good + edge.bad;
    const tone = edge.bad === 0 ? 'good' : edge.good === 0 ? 'bad' : 'mixed';
    return h('path', { key: `${edge.from} ${edge.to}`, class: `edge ${tone}`, d: `M${a.x.toFixed(1)} ${a.y.toFixed(1)}Q${mx.toFixed(1)} ${my.toFixed(1)} ${b.x.toFixed(1)} ${b.y.toFixed(1)}`, 'stroke-width': (1 + Math.log2(1 + total) * 0.7).toFixed(1) },
      h('title', null, `${name(edge.from)} → ${name(edge.to)}: ${edge.good} good, ${edge.bad} bad`));
  });
  const dots = nodes.map((node) => {
    const place = at.get(node.id);
    return h('a', { key: node.id, href: `#why/${encodeURIComponent(node.id)}`, class: `node ${node.role}`, 'aria-label': `${name(node.id)}, ${node.role}` },
      h('g', { transform: `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})` },
        h('circle', { r: nodes.length > 30 ? 9 : 15 }),
        h('g', { transform: nodes.length > 30 ? 'translate(-6 -6)' : 'translate(-10 -10)' }, glyph(node.id, nodes.length > 30 ? 12 : 20, true)),
        nodes.length > 30 ? null : h('text', { y: 27 }, name(node.id))));
  });
  return h('svg', { class: edges.length > 100 ? 'graph many' : 'graph', viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': `${nodes.length} nodes, ${edges.length} edges` }, lines, dots);
}

/** A tree of messages, each below what caused it. */
export function tree(branches) {
  const step = 28;
  const tall = 34;
  const above = [];
  const links = [];
  let width = 0;
  const nodes = branches.map((branch, row) => {
    const x = 2 + branch.depth * step;
    const y = 2 + row * tall;
    const to = cut(branch.to, 40);
    const call = cut(['request', 'create'].includes(branch.kind) ? branch.call : `${branch.kind} ${branch.call}`, 84);
    const end = branch.failure ? cut(branch.failure, 60) : '';
    const wide = 40 + to.length * 7.3 + (call.length + end.length) * 6.6 + (call ? 10 : 0) + (end ? 10 : 0);
    width = Math.max(width, x + wide + 2);
    above[branch.depth] = { x, y };
    const parent = branch.depth ? above[branch.depth - 1] : null;
    if (parent) links.push(h('path', { class: 'link', d: `M${parent.x + 13} ${parent.y + 26}V${y + 7}Q${parent.x + 13} ${y + 13} ${parent.x + 19} ${y + 13}H${x}` }));
    return h('a', { key: `${row} ${branch.id}`, class: `message ${branch.state}`, href: `#why/${encodeURIComponent(branch.id)}`, 'aria-label': branch.said },
      h('g', { transform: `translate(${x} ${y})` },
        h('title', null, branch.said),
        h('rect', { width: wide.toFixed(1), height: 26, rx: 7 }),
        h('circle', { cx: 13, cy: 13, r: 4 }),
        h('text', { x: 25, y: 17 }, h('tspan', { class: 'to' }, to), call ? h('tspan', { class: 'call', dx: 8 }, call) : null, end ? h('tspan', { class: 'fault', dx: 8 }, end) : null)));
  });
  const height = 4 + branches.length * tall - (tall - 26);
  return h('svg', { class: 'tree', viewBox: `0 0 ${width.toFixed(1)} ${height}`, width: width.toFixed(1), height, role: 'group', 'aria-label': `${branches.length} messages` }, links, nodes);
}

/** A text of a bounded length. */
export const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);
