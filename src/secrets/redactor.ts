import type { ScrubStream } from '../domain/action.js';
import type { Json } from '../domain/json.js';

const MASK = '[redacted]';
/** Shorter values would mask ordinary words. */
const MIN_LENGTH = 8;
/** Lines of a secret of several lines are secrets too, from this length on: a key is shown line by line. */
const MIN_LINE_LENGTH = 16;

/** Masks values wherever they occur: raw, as base64, hex, percent-encoded or inside JSON. */
export class Redactor {
  readonly #forms = new Set<string>();
  #pattern: RegExp | undefined;

  constructor(values: Iterable<string> = []) {
    for (const value of values) this.add(value);
  }

  /** Adds a value to those that are masked; values under 8 characters are left alone. */
  add(value: string): void {
    const before = this.#forms.size;
    const lines = value.split(/\r?\n/).filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith('-----'));
    for (const part of [value, value.trim(), ...lines]) {
      if (part.length >= MIN_LENGTH) for (const form of formsOf(part)) this.#forms.add(form);
    }
    if (this.#forms.size !== before) this.#pattern = undefined;
  }

  /** Every form that is masked, for loggers. */
  forms(): Iterable<string> {
    return this.#forms;
  }

  text(text: string): string {
    if (this.#forms.size === 0) return text;
    return text.replace(this.#matcher(), MASK);
  }

  /** A copy in which every text and every key is clean. */
  json<T extends Json>(value: T): T {
    return (this.#forms.size === 0 ? value : this.#clean(value)) as T;
  }

  /** Masks a stream; a secret that is cut by the bounds of chunks is found too. */
  stream(): ScrubStream {
    let held = '';
    const take = (final: boolean): Buffer => {
      const clean = this.text(held);
      const safe = final ? clean.length : clean.length - this.#openTail(clean);
      held = clean.slice(safe);
      return Buffer.from(clean.slice(0, safe), 'latin1');
    };
    return {
      push: (chunk) => {
        // One character per byte: the forms are compared as bytes, whatever the bytes mean.
        held += chunk.toString('latin1');
        return take(false);
      },
      end: () => take(true),
    };
  }

  /** How much of the end may be the beginning of a value. */
  #openTail(text: string): number {
    let longest = 0;
    for (const form of this.#byteForms()) {
      for (let length = Math.min(form.length - 1, text.length); length > longest; length -= 1) {
        if (form.startsWith(text.slice(-length))) longest = length;
      }
    }
    return longest;
  }

  #byteForms(): string[] {
    return [...this.#forms].map((form) => Buffer.from(form, 'utf8').toString('latin1'));
  }

  #matcher(): RegExp {
    if (this.#pattern !== undefined) return this.#pattern;
    // The longest first, so that no rest of a longer form is left standing.
    const forms = [...new Set([...this.#forms, ...this.#byteForms()])].sort((a, b) => b.length - a.length);
    const escaped = forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    this.#pattern = new RegExp(escaped.join('|'), 'g');
    return this.#pattern;
  }

  #clean(value: Json): Json {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.#clean(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.text(key), this.#clean(member)]));
  }
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  const hex = bytes.toString('hex');
  // Inside a longer text, the first and the last characters of base64 depend on the neighbours; these are left out.
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(shift === 0 ? 0 : shift + 1, (bytes.length + shift) % 3 === 0 ? undefined : -1);
  });
  const urlSafe = shifted.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const percent = encodeURIComponent(value);
  const json = JSON.stringify(value).slice(1, -1);
  const forms = [value, hex, hex.toUpperCase(), ...shifted, ...urlSafe, percent, percent.replaceAll('%20', '+'), json];
  return forms.filter((form) => form.length >= MIN_LENGTH);
}
