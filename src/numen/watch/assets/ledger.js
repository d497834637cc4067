// What is shown of a ledger: a function of the state, and of the time.

import { tree } from './charts.js';
import { h } from './dom.js';
import { trust } from './market.js';
import { card, chip, empty, sign, tile, who, whyLink } from './parts.js';
import { called, compact, ether, lasting, plural, short, whole } from './words.js';

/** The page of a ledger. */
export function ledger(state, now) {
  return [tiles(state, now), h('div', { class: 'grid' }, taken(state), blocks(state), trees(state),
    h('div', { class: 'side' }, state.trust ? trust(state) : null, bonds(state), accounts(state)))];
}

/** What a chain for development and a ledger of messages call the same things. */
const words = (about) => about.role === 'chain'
  ? { thing: 'transaction', title: 'Transactions', blocks: 'transactions in each', trees: 'who called whom in each', done: 'Succeeded', unit: 'gas', price: 'base fee', begin: 'cast send --rpc-url', first: 'No transaction yet. Send one:', more: 'Each call that it makes is drawn below it.' }
  : { thing: 'message', title: 'Messages', blocks: 'messages handed over in each', trees: 'what followed from each transaction, causes above', done: 'Messages', unit: 'units of work', price: 'price', begin: 'numen send ADDRESS increment 3 --rpc', first: 'No message yet. Send one to a contract:', more: 'Each message that it causes is drawn below its cause.' };

function tiles({ ledger: all, about }, now) {
  const say = words(about);
  const failed = all.states.failed ?? 0;
  const age = all.at_ms ? `${lasting(Math.max(0, now - all.at_ms))} ago` : 'no block yet';
  return h('div', { class: 'tiles' },
    tile('height', 'Height', whole(all.height), age),
    tile('transactions', 'Transactions', compact(all.transactions), plural(all.pool, 'waits', 'wait')),
    tile('messages', say.done, compact(all.states.done ?? 0), all.queued ? `${whole(all.queued)} for the next block` : `of ${plural(all.messages, say.thing)}`, 'good'),
    tile('failed', 'Failed', compact(failed), failed ? Object.entries(all.failures).map(([why, count]) => `${why} ${count}`).join(', ') || 'those in red below' : 'none', failed ? 'bad' : ''),
    tile('work', say.unit === 'gas' ? 'Gas' : 'Work', compact(all.work), `${say.unit} of all`),
    tile('root', 'State root', short(all.root), `${say.price} ${compact(Number(all.price))}`));
}

function blocks({ blocks: all, about }) {
  const top = Math.max(1, ...all.map((block) => Math.log2(1 + block.messages)));
  const step = 26;
  const say = words(about);
  return card('blocks', 'Blocks', all.length ? `${say.blocks}; red ones failed` : '', all.length
    ? h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'blocks' },
      h('svg', { class: 'chain', viewBox: `0 0 ${Math.max(all.length, 40) * step} 96`, role: 'img', 'aria-label': `the last ${all.length} blocks` },
        all.map((block, i) => {
          const tall = Math.max(3, (Math.log2(1 + block.messages) / top) * 68);
          const bad = block.messages ? (block.failed / block.messages) * tall : 0;
          const x = i * step + 2;
          return h('g', { key: String(block.height) },
            h('title', null, `block ${block.height}: ${plural(block.transactions, 'transaction')}, ${plural(block.messages, say.thing)}, ${block.failed} failed, ${whole(block.work)} ${say.unit}`),
            h('rect', { class: 'ok', x, y: 74 - tall, width: step - 5, height: tall, rx: 3 }),
            bad ? h('rect', { class: 'bad', x, y: 74 - bad, width: step - 5, height: bad, rx: 3 }) : null,
            h('text', { x: x + (step - 5) / 2, y: 90 }, all.length > 20 && block.height % 5 ? '' : String(block.height)));
        })))
    : empty('No block yet. One comes with the first transaction:', `${say.unit === 'gas' ? say.begin : 'numen deploy counter.py --rpc'} ${about.place}`));
}

function trees({ trees: all, about }) {
  const say = words(about);
  const states = say.unit === 'gas' ? [] : [sign('waits', 'waits for an answer'), sign('stale', 'came too late')];
  return card('trees', say.title, all.length ? say.trees : '', all.length
    ? [h('p', { class: 'legend' }, sign('done', 'done'), sign('failed', 'failed'), states),
      h('ol', { class: 'trees' }, all.map((each) => h('li', { key: each.id },
        h('h3', null, h('a', { href: `#tree/${encodeURIComponent(each.id)}` }, short(each.id)), h('small', null, `block ${each.height}${each.branches.length > 1 || !each.is_whole ? ` · ${each.branches.length}${each.is_whole ? '' : ' and more'}` : ''}`)),
        h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `messages of ${short(each.id)}` }, tree(each.branches)))))]
    : empty(say.first, `${say.begin} ${about.place}`, say.more));
}

/** Bonds that a lie took, if there are any. */
function taken({ bonds: all, about }) {
  const lost = all?.bonds.filter((bond) => bond.loss) ?? [];
  if (!lost.length) return null;
  return card('slashes', 'Slashed', `${plural(lost.length, 'bond')}, the newest first`,
    h('ol', { class: 'fines', tabindex: '0', role: 'region', 'aria-label': 'bonds that were taken' }, lost.map((bond) => h('li', { key: bond.id },
      h('div', { class: 'fine-head' }, who(about, bond.id), chip(bond.loss.offence, 'bad'), h('strong', { class: 'loss' }, `−${whole(bond.pledged)}`)),
      h('p', null, `Block ${whole(bond.loss.height)} took its bond for ${bond.loss.offence}: ${whole(bond.loss.rewarded)} of ${plural(bond.pledged, 'coin')} went to ${called(about, bond.loss.reporter)}, who brought the evidence, and ${whole(bond.loss.burnt)} were burnt. It ${bond.votes ? 'votes for some more blocks' : 'votes no more'}.`),
      h('p', { class: 'links' }, whyLink(bond.id, `why ${called(about, bond.id)}?`), h('span', { class: 'id', title: `0x${bond.loss.lie}` }, `evidence ${short(bond.loss.lie)}`))))));
}

/** What each node that votes has at stake, if it is known. */
function bonds({ bonds: all, about }) {
  if (!all?.bonds.length) return null;
  return card('bonds', 'Bonds', `${plural(all.left, 'coin')} at stake${all.burnt ? `, ${whole(all.burnt)} burnt` : ''}`,
    h('table', { class: 'owners' }, h('tbody', null, all.bonds.map((bond) => h('tr', { key: bond.id },
      h('th', { scope: 'row' }, who(about, bond.id)),
      h('td', null, bond.votes ? chip('votes', 'good') : chip('no vote', 'bad')),
      h('td', { class: bond.left < bond.pledged ? 'number loss' : 'number' }, whole(bond.left)))))));
}

function accounts({ accounts: all, about }) {
  return card('accounts', 'Accounts', 'of this node', all.length
    ? h('table', { class: 'owners' }, h('tbody', null, all.map((each) => h('tr', { key: each.id },
      h('th', { scope: 'row' }, who(about, each.id, false)), h('td', { class: 'number' }, ether(each.coins))))))
    : empty('The node holds no keys.'));
}
