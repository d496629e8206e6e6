import type { RunDay } from '../../domain/blueprint-page.js';
import { html, join, type Html } from '../html.js';

const CELL = 12;
const PITCH = 14.8;
const LEFT = 34;
const TOP = 16;
const WEEK = 7;
/** Pixels of the whole drawing. */
export const CALENDAR_HEIGHT = Math.ceil(TOP + WEEK * PITCH);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** From no run to the most on a day. */
const LEVELS = ['fill-line', 'fill-d5', 'fill-d4', 'fill-d3', 'fill-d2'];

interface Cell {
  x: number;
  y: number;
  day: RunDay;
}

/** Monday is the first row. */
function weekday(day: string): number {
  return (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % WEEK;
}

function cellsOf(days: readonly RunDay[]): Cell[] {
  const before = days[0] === undefined ? 0 : weekday(days[0].day);
  return days.map((day, at) => ({
    day,
    x: LEFT + Math.floor((at + before) / WEEK) * PITCH,
    y: TOP + ((at + before) % WEEK) * PITCH,
  }));
}

const square = ({ x, y }: Cell): string => `M${x.toFixed(1)} ${y.toFixed(1)}h${CELL}v${CELL}h-${CELL}z`;

/** The month's name over the first week that begins in it. */
function monthNames(cells: readonly Cell[]): Html[] {
  return cells.flatMap(({ x, y, day }, at) => {
    const month = day.day.slice(5, 7);
    const isFirst = y === TOP && at > 0 && cells[at - WEEK]?.day.day.slice(5, 7) !== month;
    return isFirst ? [html`<text x="${x.toFixed(1)}" y="9">${MONTHS[Number(month) - 1] ?? ''}</text>`] : [];
  });
}

/**
 * Runs per day as a calendar of weeks, days with a failure outlined. One path for each shade, whatever the number of days.
 * `sentence` says what it shows to those who do not see it.
 */
export function calendar(days: readonly RunDay[], sentence: string): Html {
  const cells = cellsOf(days);
  const most = Math.max(1, ...days.map(({ runs }) => runs));
  const levelOf = ({ day }: Cell): number => (day.runs === 0 ? 0 : Math.ceil((day.runs / most) * (LEVELS.length - 1)));
  const shades = LEVELS.map((name, level) => {
    const its = cells.filter((cell) => levelOf(cell) === level);
    return its.length === 0 ? '' : html`<path class="${name}" d="${its.map(square).join('')}" />`;
  });
  const failed = cells.filter(({ day }) => day.failed > 0);
  const outlines = failed.length === 0 ? '' : html`<path class="failed-day" d="${failed.map(square).join('')}" />`;
  const rows = ['Mon', 'Wed', 'Fri'].map(
    (name, at) => html`<text x="0" y="${(TOP + 10 + at * 2 * PITCH).toFixed(1)}">${name}</text>`,
  );
  const width = Math.ceil(Math.max(LEFT, ...cells.map(({ x }) => x)) + CELL + 2);
  return html`<svg
    class="calendar"
    width="${width}"
    height="${CALENDAR_HEIGHT}"
    viewBox="0 0 ${width} ${CALENDAR_HEIGHT}"
    role="img"
    aria-label="${sentence}"
  >
    ${join(shades)}${outlines}${join(rows)}${join(monthNames(cells))}
  </svg>`;
}
