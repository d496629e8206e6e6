import { logLineOf } from '../../domain/log-line.js';
import { html, type Html } from '../html.js';
import { visibleText } from '../parts/hidden-characters.js';
import { logLine } from '../parts/log-line.js';
import type { Parts } from '../parts/parts.js';

/** How an artifact can be shown: by what it is, never by running it. */
export type PreviewKind = 'image' | 'json' | 'lines' | 'none';

/** Formats that cannot hold a script. An SVG can: it is shown as the text that it is. */
const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
/** Lines of one page; more is a download. */
const MOST_LINES = 400;
/** A longer line is cut: it is a dump, and no one reads it here. */
const MOST_LINE = 2_000;

/** How content of this type is shown. */
export function previewKind(contentType: string): PreviewKind {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (IMAGES.includes(type)) return 'image';
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  const isText =
    type.startsWith('text/') || type.endsWith('+xml') || /^application\/(x-ndjson|jsonl|yaml|x-yaml|xml)$/.test(type);
  return isText ? 'lines' : 'none';
}

/** JSON with indents, or null where it is none (also when only its beginning is there). */
function indented(text: string): string | null {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

function lineClass(line: string): string {
  if (/"level":\s*"(?:error|fatal)"|\bERROR\b/.test(line)) return 'error';
  return /"level":\s*"warn(?:ing)?"|\bWARN(?:ING)?\b/.test(line) ? 'warning' : '';
}

/** The first lines of a text, each as it is drawn, and how many are left out. */
function beginning(text: string, draw: (line: string, at: number) => Html): { shown: Html[]; cut: number } {
  const lines = text.replace(/\n$/, '').split(/\r?\n/);
  const shown = lines.slice(0, MOST_LINES).map(draw);
  return { shown, cut: lines.length - shown.length };
}

/** Numbered lines, each with an address of its own; hidden characters as chips. */
export function numberedText(text: string, kind: PreviewKind, name: string): { view: Html; cut: number } {
  const whole = (kind === 'json' ? indented(text) : null) ?? text;
  const { shown, cut } = beginning(whole, (line, at) => {
    const more = line.length > MOST_LINE ? html`<span class="meta"> … ${line.length - MOST_LINE} more</span>` : '';
    return html`<li id="L${at + 1}" class="${lineClass(line)}">
      <a class="at" href="#L${at + 1}" tabindex="-1">${at + 1}</a
      ><span>${visibleText(line.slice(0, MOST_LINE))}${more}</span>
    </li>`;
  });
  const view = html`<ol
    class="log artifact-text"
    tabindex="0"
    aria-label="Content of ${name}"
    data-testid="artifact-text"
  >
    ${shown}
  </ol>`;
  return { view, cut };
}

/** Lines of what a step printed, as its run shows them: with their times, without what moves a terminal. */
export function loggedText(text: string, name: string, ui: Parts): { view: Html; cut: number } {
  const { shown, cut } = beginning(text, (line, at) => logLine(logLineOf(line, at + 1), ui));
  const view = html`<ol class="log" tabindex="0" aria-label="Content of ${name}" data-testid="artifact-log">
    ${shown}
  </ol>`;
  return { view, cut };
}
