// What the pages of a market and of a ledger have in common.

import { h } from './dom.js';
import { glyph } from './glyph.js';
import { called, short } from './words.js';

/** A card with a heading. */
export function card(name, title, note, ...children) {
  return h('section', { key: name, id: name, class: `card ${name}`, 'aria-labelledby': `${name}-title` },
    h('header', null, h('h2', { id: `${name}-title` }, title), note ? h('p', { class: 'note' }, note) : null),
    children);
}

/** A number that a glance should find. */
export function tile(name, label, value, more, tone = '', picture = null) {
  return h('div', { key: name, class: `tile ${tone}`, id: `tile-${name}` },
    h('span', { class: 'label' }, label), h('strong', null, value), picture, h('span', { class: 'more' }, more));
}

/** What to do where there is nothing to see. */
export function empty(said, command, after) {
  return h('div', { class: 'empty' }, h('p', null, said), command ? h('pre', null, h('code', null, command)) : null, after ? h('p', null, after) : null);
}

/** A link to why something is as it is. */
export const whyLink = (id, ...children) => h('a', { href: `#why/${encodeURIComponent(id)}` }, children);

/** Somebody: a picture and a name, and a link to what they did. */
export function who(about, id, isLinked = true) {
  if (!id) return '–';
  const name = called(about, id);
  const href = isLinked ? `#why/${encodeURIComponent(id)}` : null;
  return h(isLinked ? 'a' : 'span', { class: 'who', href, title: `0x${id}` },
    glyph(id, 20, true), h('span', { class: name === short(id) ? 'id' : 'name' }, name), name === short(id) ? null : h('small', { class: 'id' }, short(id)));
}

export const chip = (text, tone = '') => h('span', { class: `chip ${tone}` }, text);

/** A coloured sign and what it stands for. */
export const sign = (name, text) => h('span', { class: 'sign' }, h('i', { class: `p-${name}` }), text);
