/** The five fields of a cron expression, each as the sorted values that it allows. */
export interface CronTimes {
  minutes: number[];
  hours: number[];
  daysOfMonth: number[];
  /** 1 is January. */
  months: number[];
  /** 0 is Sunday. */
  weekdays: number[];
  /**
   * Both fields of days say something (neither begins with `*`): as in every cron since Vixie's, a day fits when one of
   * them does. Else both must fit.
   */
  eitherDay: boolean;
}

/** Why a text is no cron expression: a sentence for its author. */
export interface CronProblem {
  problem: string;
}

interface Field {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'] as const;
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const;
const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'weekday', min: 0, max: 7, names: WEEKDAYS },
];
/** Days of the longest year that a month can have. */
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const ITEM = /^(\*|[0-9]{1,2}|[A-Z]{3})(?:-([0-9]{1,2}|[A-Z]{3}))?(?:\/([0-9]{1,3}))?$/;

/** The same expression with single spaces and capital names: what plans and screens hold. */
export function cronText(text: string): string {
  return text.trim().split(/\s+/).join(' ').toUpperCase();
}

/**
 * Reads five fields, `minute hour day-of-month month weekday`: `*`, numbers, `a-b`, lists with commas, steps after a slash
 * (`10-50/10`, `3/15`), names of months and weekdays; Sunday is 0 and 7. Seconds, years and `@daily` are no part of it.
 */
export function parseCron(text: string): CronTimes | CronProblem {
  const parts = cronText(text).split(' ');
  if (parts.length !== FIELDS.length || parts[0] === '') {
    const more = parts.length > FIELDS.length ? ' Seconds and years are no part of it.' : '';
    return { problem: `A cron expression has five fields, minute hour day month weekday, like \`0 3 * * *\`.${more}` };
  }
  const lists: number[][] = [];
  for (const [ix, field] of FIELDS.entries()) {
    const values = parseField(parts[ix] as string, field);
    if (typeof values === 'string') return { problem: values };
    lists.push(values);
  }
  const [minutes, hours, daysOfMonth, months, rawWeekdays] = lists as [
    number[],
    number[],
    number[],
    number[],
    number[],
  ];
  const weekdays = [...new Set(rawWeekdays.map((day) => day % 7))].sort((a, b) => a - b);
  const [, , dayText, , weekdayText] = parts as [string, string, string, string, string];
  const eitherDay = !dayText.startsWith('*') && !weekdayText.startsWith('*');
  const longest = Math.max(...months.map((month) => DAYS[month - 1] as number));
  if (!eitherDay && (daysOfMonth[0] as number) > longest)
    return { problem: `It never fires: no month of \`${parts[3]}\` has a day ${daysOfMonth[0]}.` };
  return { minutes, hours, daysOfMonth, months, weekdays, eitherDay };
}

function parseField(text: string, field: Field): number[] | string {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const range = parseItem(item, field);
    if (typeof range === 'string') return range;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function parseItem(item: string, field: Field): { from: number; to: number; step: number } | string {
  const { name, min, max, names } = field;
  const shown = name === 'weekday' ? '0–6 or SUN–SAT' : `${min}–${max}${names === undefined ? '' : ' or JAN–DEC'}`;
  const match = ITEM.exec(item);
  const refused = `\`${item}\` is no ${name}: ${shown}.`;
  if (match === null) return refused;
  const [, first, last, stepText] = match as unknown as [string, string, string | undefined, string | undefined];
  if (first === '*' && last !== undefined) return refused;
  const from = first === '*' ? min : valueOf(first, field);
  const to = last !== undefined ? valueOf(last, field) : first === '*' || stepText !== undefined ? max : from;
  if (from === undefined || to === undefined) return refused;
  // A single value with a step, `3/15`, goes on to the end of the field.
  if (from > to) return `\`${item}\` begins after its end: write \`${last}-${first}\`, or two ranges with a comma.`;
  const step = Number(stepText ?? 1);
  if (step < 1 || step > max) return `The step of \`${item}\` lies between 1 and ${max}.`;
  return { from, to: first === '*' && name === 'weekday' ? 6 : to, step };
}

function valueOf(text: string, { min, max, names }: Field): number | undefined {
  if (/^[0-9]+$/.test(text)) {
    const value = Number(text);
    return value >= min && value <= max ? value : undefined;
  }
  const at = names?.indexOf(text) ?? -1;
  return at === -1 ? undefined : at + min;
}
