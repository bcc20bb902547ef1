// What a cron expression says: each field is read by one strict grammar, and a wrong one is named with the rule that it breaks.

/** The wall clock times that an expression names. Lists are in ascending order. */
export interface CronTimes {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** From 1 for January. */
  readonly months: ReadonlySet<number>;
  /** Null where any day will do. When both kinds are given a day needs to be only one of them, as in every cron. */
  readonly monthDays: MonthDays | null;
  readonly weekdays: Weekdays | null;
}

interface MonthDays {
  readonly days: ReadonlySet<number>;
  readonly last: boolean;
}

/** Days of the week count from 0 for Sunday. */
interface Weekdays {
  readonly every: ReadonlySet<number>;
  /** Those that are the last of their kind in the month. */
  readonly last: ReadonlySet<number>;
  /** Written `day#n`: only the nth of the month. */
  readonly nth: ReadonlySet<string>;
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Names of the values, from `least` on. */
  readonly names?: readonly string[];
}

const second: Field = { name: 'second', least: 0, most: 59 };
const minute: Field = { name: 'minute', least: 0, most: 59 };
const hour: Field = { name: 'hour', least: 0, most: 23 };
const monthDay: Field = { name: 'day of month', least: 1, most: 31 };
const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const month: Field = { name: 'month', least: 1, most: 12, names: monthNames };
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const weekday: Field = { name: 'day of week', least: 0, most: 6, names: dayNames };

/** A complaint about one field, on its way to the caller. */
class WrongField extends Error {}

/** Reads five fields, or six with seconds first. A string is what is wrong with them, in a sentence. */
export function readCron(pattern: string): CronTimes | string {
  const texts = pattern.trim().split(/\s+/);
  if (texts.length !== 5 && texts.length !== 6)
    return 'a cron expression has five fields (minute hour day month weekday), or six with seconds first';
  const [seconds, minutes, hours, monthDays, months, weekdays] = texts.length === 5 ? ['0', ...texts] : texts;
  try {
    return {
      seconds: ascending(within(second, seconds!, valuesOf)),
      minutes: ascending(within(minute, minutes!, valuesOf)),
      hours: ascending(within(hour, hours!, valuesOf)),
      monthDays: anyDay(monthDays!) ? null : within(monthDay, monthDays!, readMonthDays),
      months: within(month, months!, valuesOf),
      weekdays: anyDay(weekdays!) ? null : within(weekday, weekdays!, readWeekdays),
    };
  } catch (error) {
    if (error instanceof WrongField) return error.message;
    throw error;
  }
}

const ascending = (values: ReadonlySet<number>): readonly number[] => [...values].sort((a, b) => a - b);
const anyDay = (text: string): boolean => text === '*' || text === '?';

/** Reads a field's list; complaints come out under the field's name. */
function within<T>(field: Field, text: string, read: (field: Field, items: readonly string[]) => T): T {
  try {
    const items = text.split(',');
    if (items.includes('')) throw new WrongField('a list has a value on both sides of each comma');
    return read(field, items);
  } catch (error) {
    if (error instanceof WrongField)
      throw new WrongField(`the ${field.name} field ${JSON.stringify(text)}: ${error.message}`);
    throw error;
  }
}

const valuesOf = (field: Field, items: readonly string[]): ReadonlySet<number> =>
  new Set(items.flatMap((item) => readItem(field, item)));

function readMonthDays(field: Field, items: readonly string[]): MonthDays {
  const isLast = (item: string) => item.toUpperCase() === 'L';
  return {
    days: valuesOf(
      field,
      items.filter((item) => !isLast(item)),
    ),
    last: items.some(isLast),
  };
}

function readWeekdays(field: Field, items: readonly string[]): Weekdays {
  const every: number[] = [];
  const last: number[] = [];
  const nth: string[] = [];
  for (const item of items) {
    const [, day, n] = /^([^#]*)#(.*)$/.exec(item) ?? [];
    const lastDay = /^(.+)L$/i.exec(item)?.[1];
    if (day !== undefined) {
      if (!/^[1-5]$/.test(n!)) throw new WrongField('what follows # is a number from 1 to 5');
      nth.push(`${readDay(field, day)}#${n}`);
    } else if (lastDay !== undefined) last.push(readDay(field, lastDay));
    else every.push(...readItem(field, item));
  }
  return { every: new Set(every), last: new Set(last), nth: new Set(nth) };
}

const readDay = (field: Field, text: string): number => readValue(field, text) % 7;

/** One item of a list: `*`, a value, a range, and any of them with a step. */
function readItem(field: Field, item: string): readonly number[] {
  const [range = '', step, ...steps] = item.split('/');
  if (steps.length > 0) throw new WrongField(`${JSON.stringify(item)} has more than one step`);
  const [least, most] = readRange(field, range, step !== undefined);
  const by = step === undefined ? 1 : readStep(step, least, most);
  const values: number[] = [];
  for (let value = least; value <= most; value += by) values.push(field === weekday ? value % 7 : value);
  return values;
}

function readRange(field: Field, range: string, stepped: boolean): readonly [number, number] {
  if (range === '*') return [field.least, field.most];
  const ends = range.split('-');
  if (ends.length > 2) throw new WrongField(`${JSON.stringify(range)} is no range: a range has one start and one end`);
  const start = readValue(field, ends[0]!);
  // A value with a step goes on to the end of the field.
  if (ends.length === 1) return [start, stepped ? Math.max(start, field.most) : start];
  const end = readValue(field, ends[1]!);
  // A week may end on Sunday.
  const most = field === weekday && end === 0 ? 7 : end;
  if (most < start) throw new WrongField(`the range ${range} ends before it starts`);
  return [start, most];
}

/** Sunday is 0 and, as in every cron, 7. */
function readValue({ name, least, most, names = [] }: Field, text: string): number {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return least + named;
  if (!/^\d{1,9}$/.test(text)) {
    const also = names.length === 0 ? '' : ` nor one of ${names.join(' ')}`;
    throw new WrongField(`${JSON.stringify(text)} is not a whole number${also}`);
  }
  const value = Number(text);
  const greatest = name === weekday.name ? 7 : most;
  if (value < least || value > greatest) throw new WrongField(`${value} is not from ${least} to ${greatest}`);
  return value;
}

function readStep(text: string, least: number, most: number): number {
  if (!/^\d{1,9}$/.test(text)) throw new WrongField(`the step ${JSON.stringify(text)} is not a whole number`);
  const step = Number(text);
  if (step < 1) throw new WrongField('a step is at least 1');
  if (step > 1 && step > most - least) throw new WrongField(`the step ${step} leads beyond ${least} to ${most}`);
  return step;
}
