// What clocks show in a time zone, and when they are set.

const secondMs = 1_000;
export const dayMs = 86_400_000;

export function isTimeZone(name: string): boolean {
  try {
    formatterOf(name);
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

const formatters = new Map<string, Intl.DateTimeFormat>();
/** More than there are zones: names come in any case, and must not fill the memory. */
const formattersAtMost = 1_000;

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formatters.size >= formattersAtMost) formatters.clear();
  formatters.set(zone, made);
  return made;
}

/** How far the clocks of a zone are ahead of UTC at a moment, which is a whole second. All in ms. */
function offsetAt(zone: string, moment: number): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(moment)) shown[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour, minute, second } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - moment;
}

/** A time through which clocks run evenly: they show `offset` more than UTC. All in ms since the epoch, or ms. */
export interface EvenStretch {
  readonly start: number;
  /** The first moment after it. */
  readonly end: number;
  readonly offset: number;
  /** The offset right before `start`: another one where clocks were set then. */
  readonly before: number;
}

/** Cuts the time between two moments, whole seconds, wherever clocks are set, and at least once a day. No zone sets them twice in a day. */
export function* evenStretches(zone: string, from: number, until: number): Generator<EvenStretch> {
  let before = offsetAt(zone, from);
  let start = from;
  for (let offset = before; start < until; ) {
    const end = endOf(zone, start, offset);
    yield { start, end, offset, before };
    before = offset;
    start = end;
    offset = offsetAt(zone, end);
  }
}

function endOf(zone: string, start: number, offset: number): number {
  let end = start + dayMs;
  if (offsetAt(zone, end) === offset) return end;
  for (let same = start; end - same > secondMs; ) {
    const middle = same + Math.floor((end - same) / 2 / secondMs) * secondMs;
    if (offsetAt(zone, middle) === offset) same = middle;
    else end = middle;
  }
  return end;
}
