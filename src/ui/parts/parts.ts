import { asset } from '../assets.js';
import * as format from '../format.js';
import { href, html, join, type Html, type Part } from '../html.js';
import type { Glyph, Status, Tone } from '../status.js';
import { visibleText } from './hidden-characters.js';
import { stepStrip, type StripMark } from './strip.js';

/** Rows that reach below every first screen. */
const FULL_PAGE = 50;

/** A link or a form's button as one of the page's actions. */
export interface Action {
  label: string;
  href: string;
  icon?: string;
  look?: 'primary' | 'plain' | 'danger';
  testId?: string;
}

/** What a list or panel says when it has nothing to show. */
export interface Empty {
  title: string;
  text: Part;
  actions?: readonly Action[];
  testId?: string;
}

/** A part of a page that could not be read; the rest stays. */
export interface Unread {
  title?: string;
  message: string;
  code: string;
  correlationId: string;
  /** Where to try again. */
  retry: string;
}

/** A symbol of the sprite. */
export function glyph(name: Glyph, tone: Tone, label?: string): Html {
  const turning = name === 'run' ? ' turning' : '';
  const accessible = label === undefined ? html`aria-hidden="true"` : html`role="img" aria-label="${label}"`;
  return html`<svg class="${`glyph is-${tone}${turning}`}" ${accessible}>
    <use href="${`${asset('glyphs').url}#${name}`}" />
  </svg>`;
}

/** A line icon; decoration only, words stand beside it. */
export function icon(name: string, small = false): Html {
  return html`<svg class="${small ? 'icon i14' : 'icon'}" aria-hidden="true">
    <use href="${`${asset('glyphs').url}#i-${name}`}" />
  </svg>`;
}

/** The parts that every page is made of, bound to the moment and time zone of one page. */
export class Parts {
  readonly clock: format.Clock;

  constructor(clock: format.Clock) {
    this.clock = clock;
  }

  readonly format = format;
  readonly href = href;
  readonly icon = icon;

  /** Glyph and word; a pill in heads of pages, plain in tables. */
  status({ glyph: name, tone, word }: Status, pill = false): Html {
    return html`<span
      class="${`status is-${tone}${pill ? ' pill' : ''}`}"
      data-testid="status-pill"
      data-status="${name}"
      >${glyph(name, tone)}${word}</span
    >`;
  }

  /** The glyph of a status alone, with its word for those who do not see it. */
  mark({ glyph: name, tone, word }: Status): Html {
    return glyph(name, tone, word);
  }

  glyph(name: Glyph, tone: Tone): Html {
    return glyph(name, tone);
  }

  /** Text from outside, with chips for hidden characters. */
  text(text: string | null | undefined): Html {
    return visibleText(text ?? '');
  }

  /** A sentence of our own, with what stands in backticks as code. */
  told(message: string): Html {
    const pieces = message.split('`');
    if (pieces.length % 2 === 0) return this.text(message);
    return join(pieces.map((one, at) => (at % 2 === 1 ? html`<code>${this.text(one)}</code>` : this.text(one))));
  }

  /** A value that the sender of an event or an agent wrote: marked as such. */
  outside(value: Part, by: string): Html {
    return html`<span class="outside">${value}</span><span class="meta small"> · written by ${by}, not by us</span>`;
  }

  /** A secret by its path; its value is nowhere. */
  secret(path: string): Html {
    return html`<span class="secret">secret ${visibleText(path)}</span>`;
  }

  /** A moment: short in place, exact on hover. */
  time(iso: string | null, precise = false): Html {
    if (iso === null) return html`<span class="meta">–</span>`;
    return html`<time datetime="${iso}" title="${iso}">${format.moment(iso, this.clock, precise)}</time>`;
  }

  /** A moment to come, with its time on other days too. */
  planned(iso: string): Html {
    return html`<time datetime="${iso}" title="${iso}">${format.planned(iso, this.clock)}</time>`;
  }

  /** How far away a moment is: `in 4 h 20 min`. */
  away(iso: string): Html {
    return html`<time datetime="${iso}">in ${format.about(Math.max(0, Date.parse(iso) - this.clock.now))}</time>`;
  }

  /** How long ago: `9 min ago`. */
  ago(iso: string): Html {
    const ms = Math.max(0, this.clock.now - Date.parse(iso));
    return html`<time datetime="${iso}" data-count="ago">${ms < 5_000 ? 'just now' : `${format.about(ms)} ago`}</time>`;
  }

  /** Time since a moment, counted on in the browser. */
  since(iso: string): Html {
    const ms = Math.max(0, this.clock.now - Date.parse(iso));
    return html`<time datetime="${iso}" data-count="up">${format.duration(ms)}</time>`;
  }

  /** How many times `usualMs` have passed since a moment, counted on in the browser: `2.1×`. */
  timesSince(iso: string, usualMs: number): Html {
    const ms = Math.max(0, this.clock.now - Date.parse(iso));
    return html`<time datetime="${iso}" data-count="times" data-usual="${usualMs}">${format.times(ms, usualMs)}</time>`;
  }

  /** Time until a moment, counted down in the browser. */
  left(iso: string): Html {
    const ms = Math.max(0, Date.parse(iso) - this.clock.now);
    return html`<time datetime="${iso}" data-count="down">${format.duration(ms)}</time>`;
  }

  /** The time left as a short bar and in figures. */
  clockBar(from: string, until: string): Html {
    return html`<span class="clock-bar">${this.shareLeft(from, until)}<b>${this.left(until)}</b></span>`;
  }

  /** The time left as a bar, of which the whole is the time that there was. */
  shareLeft(from: string, until: string): Html {
    const whole = Math.max(1, Date.parse(until) - Date.parse(from));
    const share = Math.min(1, Math.max(0, (Date.parse(until) - this.clock.now) / whole));
    return html`<svg class="share-left" viewBox="0 0 46 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="fill-rest" width="46" height="4" rx="2" />
      <rect class="fill-ink" data-moves width="${(share * 46).toFixed(1)}" height="4" rx="2" />
    </svg>`;
  }

  /**
   * The digest as twelve bars, from its first twelve digits, and in short; all digits on demand. Rows of a long list whose
   * whole digest stands elsewhere are `brief`: digests do not compress.
   */
  digest(digest: string, isBrief = false): Html {
    const hex = digest.replace(/^sha256:/, '');
    // Nine heights of one digit, and between them always the same characters: a page of fifty has six hundred of these.
    const bars = Array.from(hex.slice(0, 12), (digit) => {
      const height = 1 + ((Number.parseInt(digit, 16) || 0) / 15) * 8;
      return `v-${Math.round(height)}z`;
    });
    return html`<span class="digest" data-testid="digest" ${isBrief ? '' : html`title="${digest}" data-copy="${hex}"`}
      ><svg viewBox="0 0 47 9" preserveAspectRatio="none" aria-hidden="true"><path d="M1 9${bars.join('m4 0')}" /></svg
      >${format.shortDigest(hex)}</span
    >`;
  }

  /** The class, with a space before it, of a list whose rows below the first screen are drawn a frame later; of a short one nothing. */
  firstScreen(rows: number): string {
    return rows >= FULL_PAGE ? ' first-screen' : '';
  }

  /** The steps of a run as a row of marks; decoration, what it says stands beside it. */
  strip(marks: readonly StripMark[]): Html {
    return stepStrip(marks);
  }

  button({ label, href: to, icon: name, look, testId }: Action): Html {
    const classes = `button${look === undefined ? '' : ` ${look}`}`;
    return html`<a class="${classes}" href="${to}" ${testId === undefined ? '' : html` data-testid="${testId}"`}
      >${name === undefined ? '' : icon(name, true)}${label}</a
    >`;
  }

  /** Words that carry the sentence. */
  strong(text: Part): Html {
    return html`<b>${text}</b>`;
  }

  /** A link to a page. */
  link(to: string, label: Part): Html {
    return html`<a href="${to}">${label}</a>`;
  }

  /** What somebody typed, or an identifier. */
  code(text: string): Html {
    return html`<code class="wrap">${this.text(text)}</code>`;
  }

  /** A message in its place; `tone` colours it. */
  note(name: Glyph, tone: Tone, content: Part, role?: 'status' | 'alert'): Html {
    return html`<div class="${`note is-${tone}`}" ${role === undefined ? '' : html` role="${role}"`}>
      ${glyph(name, tone)}
      <div class="grow">${content}</div>
    </div>`;
  }

  empty({ title, text, actions = [], testId = 'empty' }: Empty): Html {
    const buttons = actions.length === 0 ? '' : html`<p class="actions">${actions.map((one) => this.button(one))}</p>`;
    return html`<div class="empty" data-testid="${testId}">
      <h3>${title}</h3>
      <p>${text}</p>
      ${buttons}
    </div>`;
  }

  /** A card in place of a part that could not be read. */
  unread({ title = 'This part could not be read', message, code, correlationId, retry }: Unread): Html {
    return html`<section class="card broken" data-testid="error">
      <header>
        ${glyph('fail', 'fail')}
        <h2>${title}</h2>
      </header>
      <div class="body stack">
        <p class="soft">${message} The rest of the page is current.</p>
        <p class="small meta">${code} · <code>${correlationId}</code></p>
        <p><a class="button small" href="${retry}">Try again</a></p>
      </div>
    </section>`;
  }

  /** First letters of a person's name in a circle; a square for a service, an outlined one for an agent. */
  avatar(actor: string): Html {
    const kind = actor.startsWith('agent:') ? 'agent' : /^(system|service:)/.test(actor) ? 'service' : '';
    const words = actor
      .replace(/^[a-z]+:/, '')
      .split(/[^A-Za-z0-9]+/)
      .filter(Boolean);
    const letters = words.length > 1 ? `${words[0]?.[0]}${words[1]?.[0]}` : (words[0] ?? '?').slice(0, 2);
    return html`<span class="${`avatar ${kind}`}" aria-hidden="true">${letters.toUpperCase()}</span>`;
  }
}
