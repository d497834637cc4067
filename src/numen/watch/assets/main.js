// The page: follows the process, draws what it tells, and answers why.

import { h, patch } from './dom.js';
import { tree } from './charts.js';
import { ledger } from './ledger.js';
import { market } from './market.js';
import { moment, short } from './words.js';

const state = {};
let connection = 'connecting';
let isStale = false;

const need = {
  market: ['about', 'totals', 'tasks', 'people', 'slashes', 'feed', 'tickets', 'trust', 'latency'],
  ledger: ['about', 'ledger', 'blocks', 'trees', 'accounts'],
};

function now() {
  if (state.about.kind === 'ledger') return Date.now();
  return state.about.born_ms ? Date.now() - state.about.born_ms : state.totals.now_ms;
}

function draw() {
  isStale = false;
  const kind = state.about?.kind;
  if (!kind || !need[kind].every((name) => name in state)) return;
  const isFirst = !document.querySelector('.tiles');
  document.title = kind === 'market' ? `${state.totals.live} alive · Numen` : `${state.ledger.height} · Numen`;
  patch(document.getElementById('top'), [top(kind)]);
  patch(document.getElementById('main'), kind === 'market' ? market(state, now()) : ledger(state, now()));
  if (isFirst) arrive();
}

/** What the address asks for, once there is something to show. */
function arrive() {
  if (/^#(why|tree)\//.test(location.hash)) route();
  else if (location.hash) document.querySelector(`#main .grid [id="${CSS.escape(location.hash.slice(1))}"]`)?.scrollIntoView();
}

function later() {
  if (!isStale) requestAnimationFrame(draw);
  isStale = true;
}

const PARTS = {
  market: [['tasks', 'Tasks'], ['people', 'Workers'], ['trust', 'Trust'], ['tickets', 'Tickets'], ['coins', 'Coins']],
  ledger: [['blocks', 'Blocks'], ['trees', 'Messages'], ['trust', 'Trust'], ['bonds', 'Bonds'], ['accounts', 'Accounts']],
  chain: [['blocks', 'Blocks'], ['trees', 'Transactions'], ['accounts', 'Accounts']],
};

/** Not every ledger has a web of trust, or bonds. */
const isThere = ([id]) => (id !== 'trust' || state.trust) && (id !== 'bonds' || state.bonds?.bonds.length);

function top(kind) {
  const { about } = state;
  const alive = connection === 'live' && about.role === 'log' ? 'a log' : connection;
  return h('div', { class: 'bar' },
    h('span', { class: 'brand' }, mark(), h('b', null, 'Numen'), h('span', { class: 'role' }, about.title === about.role ? about.role : `${about.role} ${about.title}`)),
    h('nav', { 'aria-label': 'parts' }, PARTS[about.role === 'chain' ? 'chain' : kind].filter(isThere).map(([id, text]) => h('a', { href: `#${id}` }, text))),
    h('span', { class: `link ${connection}`, role: 'status' }, h('i'), alive),
    h('button', { type: 'button', id: 'theme', onclick: turn, title: 'light or dark (t)', 'aria-label': 'light or dark' }, '◐'));
}

const mark = () => h('svg', { viewBox: '0 0 32 32', width: 26, height: 26, 'aria-hidden': 'true' },
  h('rect', { width: 32, height: 32, rx: 8, class: 'mark' }), h('path', { d: 'M10 23V9l12 14V9', class: 'mark-n' }));

// --- light and dark ------------------------------------------------------------------------------

function turn() {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
  try { localStorage.setItem('numen-theme', root.dataset.theme); } catch { /* a browser may keep nothing */ }
}

// --- why -----------------------------------------------------------------------------------------

const dialog = document.getElementById('why');

async function ask(path) {
  const answer = await fetch(path);
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

async function route() {
  const found = /^#(why|tree)\/(.+)$/.exec(location.hash);
  if (!found) {
    dialog.close();
    return;
  }
  const [, what, raw] = found;
  const id = decodeURIComponent(raw);
  let body;
  try {
    body = what === 'why' ? sentences(await ask(`/why/${encodeURIComponent(id)}`)) : tree((await ask(`/tree/${encodeURIComponent(id)}`)).branches);
  } catch (error) {
    body = h('p', { class: 'bad' }, error.message);
  }
  if (location.hash !== found[0]) return;
  const command = state.about?.ask?.replace('ID', id.slice(0, 16));
  patch(dialog, [
    h('header', null, h('h2', { id: 'why-title' }, what === 'why' ? 'Why?' : 'What followed from ', h('code', null, short(id))),
      h('button', { type: 'button', onclick: leave, 'aria-label': 'close', title: 'close (Esc)' }, '✕')),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'the answer' }, body),
    what === 'why' && command ? h('footer', null, 'the same in a terminal: ', h('code', null, command)) : null,
  ]);
  if (!dialog.open) dialog.showModal();
}

function sentences(all) {
  return h('ol', { class: 'sentences' }, all.map((said) => {
    const found = /^( *)(\d+) ms {2}([^]*)$/.exec(said);
    return h('li', { class: /\blost [\d,]+ of\b/.test(said) ? 'bad' : '' }, found ? [h('time', null, moment(Number(found[2]), state.about?.born_ms)), h('span', null, found[3])] : h('span', { class: 'lone' }, said));
  }));
}

function leave() {
  history.replaceState(null, '', location.pathname);
  dialog.close();
}

// --- following -----------------------------------------------------------------------------------

function follow() {
  const source = new EventSource('/live');
  const names = new Set(Object.values(need).flat());
  names.add('coins').add('trust').add('bonds');
  for (const name of names) source.addEventListener(name, (event) => { state[name] = JSON.parse(event.data); });
  source.addEventListener('drawn', () => { connection = 'live'; later(); });
  source.onerror = () => { connection = 'away'; if (state.about) later(); };
}

try { const kept = localStorage.getItem('numen-theme'); if (kept) document.documentElement.dataset.theme = kept; } catch { /* the same */ }
addEventListener('hashchange', route);
addEventListener('keydown', (event) => { if (event.key === 't' && !event.ctrlKey && !event.metaKey && !event.altKey) turn(); });
dialog.addEventListener('close', () => { if (/^#(why|tree)\//.test(location.hash)) history.replaceState(null, '', location.pathname); });
dialog.addEventListener('click', (event) => { if (event.target === dialog) leave(); });
setInterval(() => { if (state.about && (state.about.kind === 'ledger' || state.totals?.live)) later(); }, 1000);
follow();
