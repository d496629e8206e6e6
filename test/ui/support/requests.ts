import { jest } from '@jest/globals';
import pg from 'pg';
import type { Screens } from './screens.js';

/** A page as it was answered, with white space made small. */
export interface Answer {
  status: number;
  text: string;
  location: string | null;
}

/** Fetches a page. */
export async function getPage({ url }: Pick<Screens, 'url'>, path: string): Promise<Answer> {
  return seen(await fetch(url + path, { redirect: 'manual' }));
}

async function seen(answer: Response): Promise<Answer> {
  return {
    status: answer.status,
    text: (await answer.text()).replace(/\s+/g, ' '),
    location: answer.headers.get('location'),
  };
}

interface SentForm {
  fields?: Readonly<Record<string, string>>;
  /** Of the button that is pressed; default that of the page's first form. */
  action?: string | undefined;
  /** Only the pieces that change are wanted. */
  isPart?: boolean;
}

/** What a browser sends with a form of the page at `path`: its hidden fields, cookie and origin. */
export async function openForm(
  { url }: Pick<Screens, 'url'>,
  path: string,
  { fields = {}, action, isPart = false }: SentForm,
): Promise<() => Promise<Response>> {
  const page = await fetch(url + path);
  const markup = await page.text();
  const cookies = page.headers.getSetCookie().map((one) => one.split(';')[0]);
  const forms = markup.match(/<form [^>]*method="post" action="(?!\/ui\/preferences)[^]*?<\/form>/g) ?? [];
  const form = forms.find((one) => one.includes(`action="${action ?? ''}"`)) ?? forms[0] ?? '';
  const hidden = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  const target = action ?? /action="([^"]+)"/.exec(form)?.[1] ?? path;
  return () =>
    fetch(url + target, {
      method: 'POST',
      redirect: 'manual',
      headers: { Cookie: cookies.join('; '), Origin: url, ...(isPart ? { 'X-Xyn-Part': 'main' } : {}) },
      body: new URLSearchParams({
        ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value])),
        ...fields,
      }),
    });
}

/** Sends a form as a browser does that opened `path`. */
export async function sendForm(
  screens: Pick<Screens, 'url'>,
  path: string,
  fields: Readonly<Record<string, string>> = {},
  action?: string,
): Promise<Answer> {
  const send = await openForm(screens, path, { fields, action });
  return seen(await send());
}

/** How often statements are counted, at most. */
const MOST_COUNTS = 6;

/**
 * How many statements a request sends, apart from the beginning and end of transactions, when what all pages share for some
 * seconds is known already.
 */
export async function queriesOf(screens: Pick<Screens, 'url'>, path: string): Promise<number> {
  await getPage(screens, path);
  const counted: number[] = [];
  // What is shared may become too old just between two requests, and others may ask meanwhile: what is counted twice is of
  // this page alone.
  for (let n = 0; n < MOST_COUNTS; n += 1) {
    const spy = jest.spyOn(pg.Client.prototype, 'query');
    await getPage(screens, path);
    const texts = spy.mock.calls.map(([query]: unknown[]) =>
      typeof query === 'string' ? query : JSON.stringify(query),
    );
    spy.mockRestore();
    counted.push(texts.filter((text) => !/^"?(BEGIN|COMMIT|ROLLBACK)/i.test(text)).length);
    const least = Math.min(...counted);
    if (counted.filter((count) => count === least).length > 1) break;
  }
  return Math.min(...counted);
}

/** Requests of one round, and rounds until one is quick enough. */
const IN_ROUND = 10;
const ROUNDS = 12;

/** Milliseconds within which all but the slowest of a round's requests are answered: of the first round below `enough`, else of the quietest. */
export async function quietestP95(ask: () => Promise<Response>, enough: number): Promise<number> {
  let quietest = Infinity;
  for (let round = 0; round < ROUNDS && quietest >= enough; round += 1) {
    const times: number[] = [];
    for (let n = 0; n < IN_ROUND; n += 1) {
      const began = performance.now();
      await (await ask()).arrayBuffer();
      times.push(performance.now() - began);
    }
    quietest = Math.min(quietest, times.sort((a, b) => a - b).at(-2) ?? Infinity);
  }
  return quietest;
}
