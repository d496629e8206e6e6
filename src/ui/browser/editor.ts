import { Drawing, type Mark } from './editor-text.js';

declare const Idiomorph: {
  morph(old: Element, now: Element, options: { morphStyle: 'outerHTML'; ignoreActive: boolean }): void;
};

/** The script of all pages brings the libraries after the first paint, and says so; an answer may be here before. */
const libraries = new Promise<void>((resolve) => {
  if ('Idiomorph' in globalThis) resolve();
  else addEventListener('xyn:libraries', () => resolve(), { once: true });
});

/** After the last key the text is looked at. */
const CHECK_MS = 250;
/** After the last key it becomes a revision. */
const SAVE_MS = 5_000;
/** A save or a look that did not arrive is tried again. */
const RETRY_MS = 10_000;

class Editor {
  readonly #form: HTMLFormElement;
  readonly #text: HTMLTextAreaElement;
  readonly #drawing: Drawing;
  /** The text that the server has. */
  #saved: string;
  #marks: Mark[] = [];
  #checkTimer: number | undefined;
  #saveTimer: number | undefined;
  #checking: AbortController | undefined;
  #saving: Promise<void> | undefined;

  constructor(form: HTMLFormElement, text: HTMLTextAreaElement, list: Element) {
    this.#form = form;
    this.#text = text;
    this.#drawing = new Drawing(list);
    // A browser may bring back what was typed before a reload; the server has what the page came with.
    this.#saved = form.dataset['unsaved'] === undefined ? text.defaultValue : '\0';
  }

  start(): void {
    this.#text.parentElement?.classList.add('live');
    this.#drawing.draw(this.#text.value);
    this.#text.addEventListener('input', () => this.#onInput());
    document.addEventListener('keydown', (event) => this.#onKey(event));
    document.addEventListener('selectionchange', () => this.#showCaret());
    document.addEventListener('click', (event) => this.#onClick(event));
    this.#form.addEventListener('submit', (event) => this.#onSubmit(event));
    addEventListener('beforeunload', (event) => this.#isDirty() && event.preventDefault());
    void this.#check();
    if (this.#isDirty()) this.#onInput();
  }

  #isDirty(): boolean {
    return this.#text.value !== this.#saved;
  }

  #onInput(): void {
    this.#drawing.draw(this.#text.value);
    clearTimeout(this.#checkTimer);
    clearTimeout(this.#saveTimer);
    this.#checkTimer = setTimeout(() => void this.#check(), CHECK_MS);
    this.#saveTimer = setTimeout(() => void this.#save(), SAVE_MS);
    this.#say(this.#isDirty() ? 'Not saved yet.' : '');
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'F8') {
      event.preventDefault();
      const { line, column } = this.#caret();
      const next = this.#marks.find((one) => one.line > line || (one.line === line && one.column > column));
      const mark = next ?? this.#marks[0];
      if (mark !== undefined) this.#goTo(mark.line, mark.column);
    } else if ((event.ctrlKey || event.metaKey) && event.key === 's') {
      event.preventDefault();
      void this.#save();
    }
  }

  #caret(): { line: number; column: number } {
    const lines = this.#text.value.slice(0, this.#text.selectionStart).split('\n');
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  }

  #goTo(line: number, column: number): void {
    const lines = this.#text.value.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const at = before + Math.min(column - 1, lines[line - 1]?.length ?? 0);
    this.#text.focus({ preventScroll: true });
    this.#text.setSelectionRange(at, at);
    this.#drawing.line(line)?.scrollIntoView({ block: 'nearest' });
  }

  #showCaret(): void {
    if (document.activeElement !== this.#text) return;
    const { line, column } = this.#caret();
    const place = document.getElementById('caret');
    if (place) place.textContent = `Line ${line}, column ${column}`;
    const told = document.getElementById('caret-problem');
    const text = this.#marks.find((one) => one.line === line)?.message ?? '';
    if (told !== null && told.textContent !== text) told.textContent = text;
    this.#follow(line);
  }

  /** The step in whose text the caret stands is marked in the graph. */
  #follow(line: number): void {
    const graph = document.getElementById('draft-graph');
    let here: Element | undefined;
    let best = 0;
    for (const box of graph?.querySelectorAll('a[href^="#L"]') ?? []) {
      const its = Number(box.getAttribute('href')?.slice(2));
      if (its <= line && its > best) [here, best] = [box, its];
    }
    const was = graph?.querySelector('.here');
    if (was === here) return;
    was?.classList.remove('here');
    here?.classList.add('here');
    const frame = here?.closest('.map');
    if (here === undefined || frame == null) return;
    const [inner, outer] = [here.getBoundingClientRect(), frame.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) frame.scrollTop += inner.top - outer.top - 40;
  }

  #onClick(event: MouseEvent): void {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#L"]') : null;
    if (!link) return;
    event.preventDefault();
    const row = link.closest<HTMLElement>('[data-column]');
    this.#goTo(Number(link.getAttribute('href')?.slice(2)), Number(row?.dataset['column'] ?? 1));
  }

  /** Buttons whose answer is a piece of this page stay on it. */
  #onSubmit(event: SubmitEvent): void {
    const button = event.submitter as HTMLButtonElement | null;
    if (button?.name === 'fix') {
      event.preventDefault();
      this.#fix(button.value);
      return;
    }
    clearTimeout(this.#saveTimer);
    if (button?.dataset['part'] === undefined) {
      this.#saved = this.#text.value;
      return;
    }
    event.preventDefault();
    const { formAction, name, value } = button;
    void this.#send(formAction, name === '' ? {} : { [name]: value });
  }

  /** Puts a suggestion in the place of the word, as if it were typed: it can be undone. */
  #fix(fix: string): void {
    const [line, column, length, word = ''] = fix.split(':');
    this.#goTo(Number(line), Number(column));
    const at = this.#text.selectionStart;
    this.#text.setSelectionRange(at, at + Number(length));
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else writes into a field so that it can be undone
    document.execCommand('insertText', false, word);
  }

  async #check(): Promise<void> {
    this.#checking?.abort();
    const checking = new AbortController();
    this.#checking = checking;
    const { check: url } = this.#form.dataset;
    if (url === undefined) return;
    try {
      await this.#post(url, {}, checking.signal);
    } catch {
      if (checking.signal.aborted) return;
      this.#say('The server does not answer; your text is here.');
      this.#checkTimer = setTimeout(() => void this.#check(), RETRY_MS);
    }
  }

  async #save(): Promise<void> {
    await this.#saving;
    // Somebody else's revision is a question, which only a person answers.
    if (!this.#isDirty() || document.querySelector('[data-conflict]') !== null) return;
    await this.#send(this.#form.action);
  }

  /** Sends the form as it stands; what it answers takes its places in the page. */
  async #send(url: string, more: Record<string, string> = {}): Promise<void> {
    const sent = this.#text.value;
    const work = async (): Promise<void> => {
      try {
        if (await this.#post(url, more)) this.#saved = sent;
      } catch {
        this.#say('Not saved: the server does not answer. It is tried again.');
        this.#saveTimer = setTimeout(() => void this.#save(), RETRY_MS);
      }
    };
    this.#saving = work();
    await this.#saving;
    if (!this.#isDirty()) this.#say('');
  }

  async #post(url: string, more: Record<string, string>, signal?: AbortSignal): Promise<boolean> {
    const body = new URLSearchParams(new FormData(this.#form) as unknown as Record<string, string>);
    for (const [name, value] of Object.entries(more)) body.set(name, value);
    const headers = { 'X-Xyn-Part': 'main' };
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers,
      credentials: 'same-origin',
      signal: signal ?? null,
    });
    const holder = document.createElement('template');
    holder.innerHTML = await answer.text();
    await libraries;
    for (const now of holder.content.querySelectorAll('[data-piece]')) {
      const old = document.getElementById(now.id);
      if (old) Idiomorph.morph(old, now, { morphStyle: 'outerHTML', ignoreActive: true });
    }
    if (holder.content.querySelector('[data-piece]') === null) throw new Error(`The server answered ${answer.status}.`);
    this.#readMarks();
    return answer.ok;
  }

  #readMarks(): void {
    this.#marks = [...document.querySelectorAll<HTMLElement>('#problems [data-line]')].map(({ dataset }) => ({
      line: Number(dataset['line']),
      column: Number(dataset['column']),
      isError: dataset['severity'] === 'error',
      message: dataset['message'] ?? '',
    }));
    this.#drawing.draw(this.#text.value);
    this.#drawing.mark(this.#marks);
    this.#showCaret();
  }

  #say(text: string): void {
    const place = document.getElementById('draft-note');
    if (place && place.textContent !== text) place.textContent = text;
  }
}

const form = document.querySelector<HTMLFormElement>('form[data-editor]');
const text = form?.querySelector<HTMLTextAreaElement>('textarea[name=source]');
const list = form?.querySelector('.editor ol');
if (form != null && text != null && list != null) new Editor(form, text, list).start();
