import type { LogLine } from '../../domain/log-line.js';
import { html, type Html } from '../html.js';
import type { Parts } from './parts.js';

const LEVEL_WORDS = { error: 'Error: ', warning: 'Warning: ' } as const;

/** A line of a log: when it was printed, what it says, and by tint and word whether it tells of an error. */
export function logLine({ number, at, text, level, stream }: LogLine, ui: Parts): Html {
  const word = level === null ? '' : html`<span class="sr">${LEVEL_WORDS[level]}</span>`;
  const time = at === null ? '' : timeOf(at, ui);
  return html`<li id="L${number}" ${level === null ? '' : html` class="${level}"`}>
    <a class="at" href="#L${number}" title="Line ${number}${stream === '' ? '' : `, ${stream}`}"
      >${time === '' ? number : time}</a
    ><span>${word}${ui.text(text)}</span>
  </li>`;
}

function timeOf(at: string, ui: Parts): string {
  const { hour, minute, second } = ui.format.fieldsIn(ui.clock.zone, Date.parse(at));
  return `${hour}:${minute}:${second}`;
}
