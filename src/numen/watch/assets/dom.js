// Elements as values, and the smallest change that makes the page show them.
//
// Whatever comes from outside becomes a text node or the value of an attribute of a fixed name, never
// markup: there is no innerHTML here, and a link leads nowhere but within the page.

const SVG = 'http://www.w3.org/2000/svg';
const drawn = new WeakMap();

/** An element as a value: a tag, attributes, children (elements, texts, lists, or nothing). */
export function h(tag, props, ...children) {
  const { key, ...rest } = props ?? {};
  return { tag, key, props: rest, children: children.flat(Infinity).filter(is) };
}

const is = (child) => child !== null && child !== undefined && child !== false && child !== '';

/** Make the children of a node be these elements; what is there already is kept. */
export function patch(parent, wanted) {
  const space = parent.namespaceURI === SVG && parent.tagName !== 'foreignObject' ? SVG : null;
  const keyed = new Map();
  const loose = [];
  for (const node of parent.childNodes) {
    const key = drawn.get(node)?.key;
    if (key === undefined) loose.push(node);
    else keyed.set(key, node);
  }
  let place = parent.firstChild;
  for (const each of wanted.flat(Infinity).filter(is)) {
    const node = update(match(each, keyed, loose), each, space);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function match(each, keyed, loose) {
  if (each.key !== undefined) {
    const found = keyed.get(each.key);
    keyed.delete(each.key);
    return found;
  }
  const at = loose.findIndex((node) => kind(node) === (each.tag ?? '#text'));
  return at < 0 ? undefined : loose.splice(at, 1)[0];
}

const kind = (node) => (node.nodeType === Node.TEXT_NODE ? '#text' : drawn.get(node)?.tag);

function update(node, each, space) {
  if (each.tag === undefined) {
    const text = String(each);
    if (!node || node.nodeType !== Node.TEXT_NODE) return document.createTextNode(text);
    if (node.data !== text) node.data = text;
    return node;
  }
  if (!node || drawn.get(node)?.tag !== each.tag) node = make(each, space);
  const before = drawn.get(node)?.props ?? {};
  for (const name of Object.keys(before)) if (!(name in each.props)) set(node, name, null);
  for (const [name, value] of Object.entries(each.props)) {
    if (before[name] !== value) set(node, name, value);
  }
  drawn.set(node, each);
  patch(node, each.children);
  return node;
}

function make(each, space) {
  const inner = each.tag === 'svg' ? SVG : space;
  return inner ? document.createElementNS(inner, each.tag) : document.createElement(each.tag);
}

function set(node, name, value) {
  if (name.startsWith('on')) node[name] = value;
  else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (name === 'href' && !String(value).startsWith('#')) throw new Error('a link that leads away');
  else node.setAttribute(name, value === true ? '' : String(value));
}
