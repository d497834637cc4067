// How numbers, times, ids and names are written.

const group = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const brief = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** A whole number with its thousands apart. */
export const whole = (count) => group.format(count);

/** A number in three digits: 12.3K. */
export const compact = (count) => (count < 10_000 ? group.format(count) : brief.format(count));

/** Coins of a ledger, which may be more than a number of JavaScript holds: text of digits. */
export function ether(text) {
  const digits = String(text).padStart(19, '0');
  const units = group.format(BigInt(digits.slice(0, -18)));
  const rest = digits.slice(-18, -14).replace(/0+$/, '');
  return rest ? `${units}.${rest}` : units;
}

/** A stretch of time in milliseconds. */
export function lasting(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  if (ms < 86_400_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** When something was, in the time of its market: a time of day, or seconds of a log. */
export function moment(ms, born) {
  if (!born) return `${(ms / 1000).toFixed(1)} s`;
  return new Date(born + ms).toLocaleTimeString([], { hour12: false });
}

/** The beginning of an id. */
export const short = (id) => (id.length > 12 ? `0x${id.slice(0, 8)}` : id);

/** What people call an address. */
export const called = (about, id) => about.names?.[id] ?? short(id);

export const plural = (count, one, many = `${one}s`) => `${whole(count)} ${count === 1 ? one : many}`;
