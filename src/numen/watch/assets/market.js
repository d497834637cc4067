// What is shown of a market: a function of the state, and of the time.

import { bars, field, graph, spark, stack } from './charts.js';
import { h } from './dom.js';
import { glyph } from './glyph.js';
import { card, chip, empty, sign, tile, who, whyLink } from './parts.js';
import { called, compact, lasting, moment, plural, short, whole } from './words.js';

export const STOPS = ['bid', 'offer', 'seat', 'commit', 'reveal', 'settle', 'paid'];

/** The page of a market. */
export function market(state, now) {
  return [
    tiles(state),
    h('div', { class: 'grid' },
      state.slashes.length ? slashes(state) : null,
      tasks(state, now), feed(state), people(state), trust(state), coins(state), tickets(state)),
  ];
}

function tiles({ totals, latency, tickets }) {
  const ended = totals.settled + totals.unsettled;
  const half = `half within ${lasting(median(latency))}`;
  const won = Math.max(tickets.counts.won ?? 0, tickets.counts.paid ?? 0);
  return h('div', { class: 'tiles' },
    tile('live', 'Tasks alive', compact(totals.live), ended ? `${plural(ended, 'task')} before` : 'none before'),
    tile('settled', 'Settled', compact(totals.settled), totals.unsettled ? `${whole(totals.unsettled)} without an answer` : ended ? 'every one that ended' : 'none yet', totals.settled ? 'good' : ''),
    tile('latency', 'Bid to paid', totals.settled ? lasting(latency.mean_ms) : '–', totals.settled ? half : 'nothing settled yet', '', totals.settled ? bars(latency.counts, 'how long tasks took') : null),
    tile('stake', 'At stake', compact(totals.staked), `${plural(totals.workers, 'worker')} · ${plural(totals.verifiers, 'verifier')}`),
    tile('slashed', 'Slashed', compact(totals.slashed), totals.slashes ? plural(totals.slashes, 'fine') : 'nobody was fined', totals.slashes ? 'bad' : ''),
    tile('paid', 'Paid for answers', compact(totals.paid), totals.resold ? `${compact(totals.resold)} for answers bought again` : plural(won, 'winning ticket'), 'gold'));
}

/** How commands name the market. */
const at = (about) => about.place || 'MARKET';

/** The upper end of the bucket that half of all are in. */
export function median({ tops_ms: tops, counts }) {
  const half = counts.reduce((a, b) => a + b, 0) / 2;
  let seen = 0;
  for (let i = 0; i < counts.length; i++) {
    seen += counts[i];
    if (seen >= half && counts[i]) return tops[Math.min(i, tops.length - 1)];
  }
  return 0;
}

// --- fines ---------------------------------------------------------------------------------------

function slashes({ slashes: all, about }) {
  return card('slashes', 'Slashed', `${plural(all.length, 'fine')}, the newest first`,
    h('ol', { class: 'fines', tabindex: '0', role: 'region', 'aria-label': 'fines' }, all.map((fine) => h('li', { key: `${fine.task} ${fine.worker} ${fine.at_ms}` },
      h('div', { class: 'fine-head' }, who(about, fine.worker), chip(fine.outcome, 'bad'), h('strong', { class: 'loss' }, `−${whole(fine.lost)}`)),
      h('p', null, fine.said),
      h('p', { class: 'links' }, h('time', null, moment(fine.at_ms, about.born_ms)),
        whyLink(fine.worker, `why ${called(about, fine.worker)}?`), whyLink(fine.task, `task ${short(fine.task)}`))))));
}

// --- tasks ---------------------------------------------------------------------------------------

function tasks({ tasks: all, about }, now) {
  const note = all.length ? 'each line is a worker, from the bid to its pay' : '';
  return card('tasks', 'Tasks', note, all.length
    ? [h('div', { class: 'stops', 'aria-hidden': 'true' }, h('span'), h('ol', null, STOPS.map((stop) => h('li', null, stop))), h('span')),
      h('ol', { class: 'tasks', tabindex: '0', role: 'region', 'aria-label': 'tasks' }, all.map((task) => row(task, about, now)))]
    : empty('Nobody has bid yet. Sell a job:', `numen submit ${at(about)} job.py 6 7 --key buyer --bid 50000`));
}

const TONES = { settled: 'good', working: 'busy', answered: 'busy', claimed: 'busy', contested: 'warn', disputed: 'warn', seeking: 'quiet', failed: 'bad', expired: 'bad', cancelled: 'quiet' };

function row(task, about, now) {
  const end = task.closed_ms || now;
  return h('li', { key: task.id, class: task.closed_ms ? 'done' : 'alive' },
    h('div', { class: 'task-what' },
      h('a', { class: 'who', href: `#why/${encodeURIComponent(task.id)}`, title: `0x${task.id}` }, glyph(task.program, 26), h('span', { class: 'id' }, short(task.id))),
      h('small', null, task.policy, task.raises ? `, raised ${task.raises}×` : '')),
    h('div', { class: 'task-run' }, lanes(task, about), task.contests.map((contest) => duel(contest, task, about))),
    h('div', { class: 'task-how' }, chip(task.state, TONES[task.state] ?? ''),
      h('small', null, `${compact(task.bid)}${task.ceiling > task.bid ? `→${compact(task.ceiling)}` : ''} · ${lasting(Math.max(0, end - task.posted_ms))}`)));
}

/** How far a seat has come: its place among the stops. */
export function reached(seat, task) {
  if (seat.judged_ms && !seat.fined && seat.paid) return 6;
  if (seat.revealed_ms && task.settled_ms && !seat.fined) return 5;
  if (seat.revealed_ms) return 4;
  if (seat.executed_ms) return 3;
  if (seat.matched_ms) return 2;
  return 1;
}

const LANES_MAX = 8;

function lanes(task, about) {
  const seats = task.seats.filter((seat) => seat.matched_ms).slice(0, LANES_MAX);
  const offers = task.seats.length - seats.length;
  const shown = seats.length ? seats : [null];
  const high = shown.length * 15 + 3;
  const x = (stop) => 30 + stop * 60;
  const said = seats.length ? seats.map((seat) => `${called(about, seat.worker)}: ${seat.outcome || STOPS[reached(seat, task)]}`).join('; ')
    : offers ? `${plural(offers, 'offer')}, no seat yet` : 'no offer yet';
  return h('svg', { class: 'lanes', viewBox: `0 0 420 ${high}`, role: 'img', 'aria-label': said },
    STOPS.map((_, stop) => h('line', { class: 'stop', x1: x(stop), x2: x(stop), y1: 0, y2: high })),
    shown.map((seat, i) => {
      const y = 9 + i * 15;
      const far = seat ? reached(seat, task) : offers ? 1 : 0;
      const bad = seat && seat.fined > 0;
      const tone = bad ? 'bad' : far === 6 ? 'good' : 'busy';
      return h('g', { class: tone },
        h('line', { class: 'rail', x1: x(0), x2: x(6), y1: y, y2: y }),
        h('line', { class: 'run', x1: x(0), x2: x(far), y1: y, y2: y }),
        STOPS.slice(0, far).map((_, stop) => h('circle', { class: 'past', cx: x(stop), cy: y, r: 2.2 })),
        bad
          ? h('path', { class: 'cross', d: `M${x(far) - 4} ${y - 4}l8 8m0 -8l-8 8` })
          : h('circle', { class: 'head', cx: x(far), cy: y, r: 4.6 }),
        bad ? h('text', { x: x(far) + 10, y: y + 3.5 }, seat.outcome) : null,
        seat ? h('title', null, `${called(about, seat.worker)}: ${seat.outcome || STOPS[far]}, ${whole(seat.price)} coins`) : null);
    }));
}

/** A contest about one step of a run: the steps that are left, among all. */
function duel(contest, task, about) {
  const all = Math.max(1, task.steps, contest.high);
  const left = (contest.low / all) * 400;
  const width = Math.max(4, ((contest.high - contest.low) / all) * 400);
  const who = called(about, contest.challenger);
  const said = contest.winner
    ? `${contest.winner} won against ${who}: ${contest.reason}`
    : `${who} contests steps ${whole(contest.low)} to ${whole(contest.high)} of ${whole(task.steps)}`;
  return h('div', { class: 'duel', key: contest.challenger },
    h('svg', { viewBox: '0 0 400 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      h('rect', { class: 'all', width: 400, height: 6 }), h('rect', { class: 'part', x: Math.min(left, 396).toFixed(1), width: width.toFixed(1), height: 6 })),
    h('small', null, said));
}

// --- what happened -------------------------------------------------------------------------------

const LOUD = { slashed: 'bad', refused: 'warn', disputed: 'warn', settled: 'good', redeemed: 'gold', posted: 'busy', closed: 'quiet' };

function feed({ feed: all, about }) {
  return card('feed', 'What happened', '', all.length
    ? h('ol', { class: 'feed', tabindex: '0', role: 'log', 'aria-label': 'what happened' }, all.map((each) => h('li', { key: `${each.at_ms} ${each.kind} ${each.task} ${each.who}`, class: LOUD[each.kind] ?? '' },
      h('time', null, moment(each.at_ms, about.born_ms)), h('p', null, each.said, each.times > 1 ? h('b', { class: 'times' }, ` ×${each.times}`) : null, ' ', each.task ? whyLink(each.task, short(each.task)) : null))))
    : empty('It is quiet. What happens here is told here, as it happens.'));
}

// --- people --------------------------------------------------------------------------------------

function people({ people: all, about }) {
  const staked = all.filter((person) => person.role !== 'provider');
  const top = Math.max(1, ...staked.map((person) => person.staked));
  return card('people', 'Workers and verifiers', staked.length ? 'what they have to lose, and how they did' : '', staked.length
    ? h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'workers and verifiers' }, h('table', null,
      h('thead', null, h('tr', null, ['Who', 'Stake', 'Reputation', 'Answers', 'Earned', 'Lost'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', null, staked.map((person) => h('tr', { key: person.id, class: person.slashes ? 'fined' : '' },
        h('th', { scope: 'row' }, who(about, person.id), h('small', null, person.role || 'no stake')),
        h('td', { 'data-label': 'Stake' }, stake(person, top)),
        h('td', { 'data-label': 'Reputation' }, person.role === 'verifier' ? h('span', { class: 'faint' }, '–') : h('span', { class: 'score' }, h('b', null, String(person.scores.at(-1) ?? 0)), spark(person.scores, 'reputation in time'))),
        h('td', { 'data-label': 'Answers' }, person.role === 'verifier' ? h('span', { class: 'faint' }, '–') : h('span', null, h('b', { class: 'good' }, whole(person.accepted)), ' / ', h('b', { class: person.faults ? 'bad' : 'faint' }, whole(person.faults)))),
        h('td', { 'data-label': 'Earned' }, person.earned ? whole(person.earned) : h('span', { class: 'faint' }, '0')),
        h('td', { 'data-label': 'Lost' }, person.slashes
          ? h('a', { class: 'loss', href: `#why/${encodeURIComponent(person.id)}` }, `−${whole(person.lost)}`, h('small', null, ` slashed ${person.slashes}×`))
          : h('span', { class: 'faint' }, '0')))))))
    : empty('Nobody has put up a stake. A market needs a verifier and some workers:', `numen verifier ${at(about)} --key verifier\nnumen worker ${at(about)} --key ada\nnumen worker ${at(about)} --key bob --lie`));
}

function stake(person, top) {
  const width = Math.max(2, (person.staked / top) * 100);
  const pledged = person.staked ? (Math.min(person.pledged, person.staked) / person.staked) * width : 0;
  return h('span', { class: 'stake' },
    h('svg', { viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      h('rect', { class: 'all', width: 100, height: 8 }), h('rect', { class: 'free', width: width.toFixed(1), height: 8 }),
      pledged ? h('rect', { class: 'pledged', width: pledged.toFixed(1), height: 8 }) : null),
    h('span', null, compact(person.staked), person.pledged ? h('small', null, ` ${compact(person.pledged)} pledged`) : null));
}

// --- trust, coins, tickets -----------------------------------------------------------------------

/** Who vouches for whom. */
export function trust({ trust: web, about }) {
  const isMarket = web.basis === 'verdicts';
  const note = isMarket ? 'verdicts that verifiers signed about workers' : 'who attests whom, as one node knows it';
  return card('trust', 'Who vouches for whom', web.nodes.length ? note : '', web.nodes.length
    ? [graph(web.nodes, web.edges, (id) => called(about, id)),
      h('p', { class: 'legend' }, sign('good', 'good'), sign('mixed', 'both'), sign('bad', 'bad'),
        web.count > web.edges.length ? ` ${web.edges.length} of ${web.count} edges` : '')]
    : empty('No verdict yet. Each answer that is judged draws a line from its verifier to its worker.'));
}

const POCKETS = [['wallet', 'free'], ['stake', 'stakes'], ['pledge', 'pledged'], ['bid', 'bids'], ['deposit', 'deposits'], ['reserve', 'reserves'], ['burnt', 'burnt']];

function coins({ coins: all, about }) {
  if (!all) return card('coins', 'Coins', '', empty('A log tells what moved, not what everybody has. A hall that runs knows:', 'numen market open FOLDER --key hall --dashboard 7380'));
  const parts = (held) => POCKETS.map(([name]) => ({ name, value: held[name] ?? 0 }));
  // What the hall has is for newcomers, and so much that nothing else could be seen beside it.
  const kept = all.owners.find((owner) => about.names?.[owner.id] === 'the hall')?.wallet ?? 0;
  const pockets = { ...all.pockets, wallet: Math.max(0, (all.pockets.wallet ?? 0) - kept) };
  const rich = all.owners.filter((owner) => about.names?.[owner.id] !== 'the hall').slice(0, 7);
  return card('coins', 'Coins', `${whole(all.total)}, always`,
    stack(parts(pockets), 'what coins are set aside for'),
    h('p', { class: 'legend' }, POCKETS.filter(([name]) => pockets[name]).map(([name, text]) => sign(name, `${text} ${compact(pockets[name])}`)),
      kept ? h('span', null, `the hall keeps ${compact(kept)} for newcomers`) : null),
    h('table', { class: 'owners' }, h('tbody', null, rich.map((owner) => {
      const held = Object.entries(owner).filter(([name]) => name !== 'id').reduce((sum, [, value]) => sum + value, 0);
      return h('tr', { key: owner.id }, h('th', { scope: 'row' }, who(about, owner.id)), h('td', null, stack(parts(owner), 'their coins')), h('td', { class: 'number' }, compact(held)));
    }))));
}

function tickets({ tickets: all, about }) {
  const drawn = (all.counts.won ?? 0) + (all.counts.lost ?? 0);
  const note = drawn ? `${whole(drawn)} drawn, ${whole(all.counts.won ?? 0)} won, ${whole(all.faces.paid ?? 0)} coins redeemed`
    : all.last.length ? `${plural(all.counts.paid ?? 0, 'winner')} redeemed, ${whole(all.faces.paid ?? 0)} coins` : '';
  const said = (ticket) => `${called(about, ticket.recipient)}: ${ticket.state}${ticket.face ? `, ${whole(ticket.face)} coins` : ''}${ticket.odds ? `, one in ${ticket.odds}` : ''}${ticket.note ? `: ${ticket.note}` : ''}`;
  return card('tickets', 'Lottery tickets', note, all.last.length
    ? [field(all.last, said), h('p', { class: 'legend' }, sign('lost', 'did not win'), sign('won', 'won'), sign('paid', 'redeemed'), all.counts.unpaid ? sign('unpaid', 'not paid') : null)]
    : empty('Answers are paid in tickets, of which only winners touch the ledger. A hall sees winners; a worker sees each ticket it draws:', `numen worker ${at(about)} --key ada --dashboard 7381`));
}
