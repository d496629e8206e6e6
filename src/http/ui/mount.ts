import { gzipSync } from 'node:zlib';
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import { documentAnswer } from '../../domain/document-fault.js';
import { ERROR_CODES } from '../../domain/error-codes.js';
import { XynFault } from '../../domain/fault.js';
import { assets } from '../../ui/assets.js';
import type { LiveTopic } from '../../services/live-feed.js';
import { fragmentState, stateName } from '../../ui/parts/fragment.js';
import { Parts } from '../../ui/parts/parts.js';
import { shell, shellFragments } from '../../ui/shell/shell.js';
import { callerOf } from '../caller.js';
import { faultOf } from '../errors.js';
import type { Log } from '../log.js';
import { cookie, newCsrf, preferencesOf } from './cookies.js';
import { errorPage } from './error-page.js';
import { parsePosition, positionText, startLiveStream } from './live-stream.js';
import type { PageAnswer, UiCall, UiForm, UiPage, UiServices } from './page.js';
import { pageMatcher } from './page-match.js';
import { preferencesForm } from './preferences.js';
import { acceptsGzip, PAGE_HEADERS, sendHtml } from './send.js';
import { SentPages } from './sent-pages.js';

export interface UiOptions {
  services: UiServices;
  env: { name: string; stage: string };
  version: string;
  log: Log;
  pages: readonly UiPage[];
  forms: readonly UiForm[];
}

/** What the handlers of one server share. */
interface Mounted extends UiOptions {
  sent: SentPages;
}

/** The largest form: a document in the editor, every other character written as three. */
const MAX_FORM = '2mb';
const YEAR = 'public, max-age=31536000, immutable';

function callOf({ services, env, version }: UiOptions, request: Request, response: Response): UiCall {
  const preferences = preferencesOf(request.headers);
  const correlationId = response.locals['correlationId'] as string;
  const clock = { now: Date.now(), zone: preferences.zone };
  return {
    services,
    caller: Object.assign(callerOf(request.headers, correlationId), { source: 'ui' as const }),
    query: {},
    param: () => '',
    clock,
    ui: new Parts(clock),
    preferences,
    csrf: preferences.csrf ?? newCsrf(),
    here: request.originalUrl,
    isPart: request.headers['x-xyn-part'] === 'main',
    env,
    version,
  };
}

/** What the shell says of the whole; a page is shown also when that cannot be read. */
async function aroundOf({ services, caller }: UiCall, { needs }: PageAnswer) {
  const { overview } = services;
  const [counts, counted] = await Promise.all([
    overview.counts().catch(() => ({ gates: 0, running: 0 })),
    needs ?? overview.needs(caller.actor).catch(() => 0),
  ]);
  return { counts, needs: counted };
}

async function answer(
  { sent }: Mounted,
  response: Response,
  call: UiCall,
  position: string,
  content: PageAnswer,
): Promise<void> {
  const { live, status = 200, here = call.here, isPart, needs: _needs, ...page } = content;
  if (call.preferences.csrf === undefined) response.append('Set-Cookie', cookie('xyn_csrf', call.csrf));
  if (isPart === true || call.isPart) return sendHtml(response, status, page.main.toString());
  const around = await aroundOf(call, content);
  const { view, theme, areKeysOn } = call.preferences;
  const { clock, env, version } = call;
  const facts = { clock, env, version, actor: call.caller.actor, view, theme, areKeysOn, ...around };
  if (live === undefined) return sendHtml(response, status, shell({ csrf: call.csrf, here, ...facts }, page));
  const state = fragmentState([...live.fragments, ...shellFragments(around, page.title)]);
  const name = stateName(state);
  const topics = topicsOf(live);
  sent.keep(here, name, { topics, state });
  const whole = { live: { topics, position: positionText(position, name) }, ...page };
  return sendHtml(response, status, shell({ csrf: call.csrf, here, ...facts }, whole));
}

/** What waits for the viewer is told on every page that follows anything. */
function topicsOf({ topics }: NonNullable<PageAnswer['live']>): LiveTopic[] {
  return [...new Set<LiveTopic>([...topics, 'gates'])];
}

/** Runs a handler of a page; what it throws becomes a page. @param pageOf the page of an address that has none itself. */
function handled(
  options: Mounted,
  handle: (call: UiCall, request: Request, response: Response) => Promise<void>,
  pageOf: (here: string) => string = (here) => here,
): RequestHandler {
  return async (request, response) => {
    const call = callOf(options, request, response);
    try {
      await handle(call, request, response);
    } catch (error) {
      if (response.headersSent) throw error;
      const fault = faultOf(error);
      const { status } = documentAnswer(fault) ?? ERROR_CODES[fault.code];
      const { correlationId } = call.caller;
      if (status >= 500) {
        options.log.error(
          { err: error, code: fault.code, path: request.path, correlation_id: correlationId },
          'page failed',
        );
      }
      await answer(options, response, call, '', errorPage(fault, status, correlationId, call, pageOf(call.here)));
    }
  };
}

function showPage(options: Mounted, page: UiPage): RequestHandler {
  return handled(options, async (call, { params, query }, response) => {
    // Before anything is read, so that nothing falls between the page and its stream.
    const position = call.services.feed?.position() ?? '';
    await answer(options, response, call, position, await page.load(call, { params, query: { ...query } }));
  });
}

/** @throws XynFault `csrf_invalid` */
function checkToken(call: UiCall, sent: unknown): void {
  if (call.preferences.csrf !== undefined && sent === call.preferences.csrf) return;
  throw new XynFault(
    'csrf_invalid',
    'The form does not come from a page of this browser. Open the page again, then repeat.',
  );
}

function takeForm(options: Mounted, form: UiForm): RequestHandler {
  const take = async (call: UiCall, request: Request, response: Response): Promise<void> => {
    const { _csrf: token, ...body } = { ...(request.body as Record<string, unknown> | undefined) };
    checkToken(call, token);
    const position = call.services.feed?.position() ?? '';
    const result = await form.handle(call, { params: request.params, body });
    if ('location' in result) {
      if (result.cookies !== undefined) response.append('Set-Cookie', [...result.cookies]);
      response.redirect(303, result.location);
    } else await answer(options, response, call, position, result);
  };
  return handled(options, take, (here) => (!form.isBelow ? here : here.replace(/\/[^/?]*(?:\?.*)?$/, '')));
}

function followPage(options: Mounted): RequestHandler {
  const match = pageMatcher(options.pages);
  return handled(options, async (call, request, response) => {
    const of = typeof request.query['of'] === 'string' ? request.query['of'] : '';
    const found = match(of);
    if (found === undefined) throw new XynFault('not_found', 'No page has that address.');
    const { page, params, query } = found;
    const load = async (): Promise<PageAnswer['live']> => {
      const clock = { ...call.clock, now: Date.now() };
      const content = await page.load({ ...call, here: of, clock, ui: new Parts(clock) }, { params, query });
      if (content.live === undefined) return undefined;
      const around = shellFragments(await aroundOf(call, content), content.title);
      return { topics: topicsOf(content.live), fragments: [...content.live.fragments, ...around] };
    };
    const { feed } = call.services;
    const isPoll = request.query['poll'] !== undefined;
    const last = request.headers['last-event-id'];
    const asked = typeof last === 'string' && last !== '' ? last : request.query['after'];
    const after = parsePosition(typeof asked === 'string' ? asked : '');
    const known = isPoll ? undefined : options.sent.find(of, after.state);
    const first = known === undefined ? await load() : undefined;
    const topics = known?.topics ?? first?.topics;
    if (topics === undefined) throw new XynFault('not_found', 'That page does not change by itself.');
    if (isPoll) {
      response.set(PAGE_HEADERS).json(first?.fragments.map(({ html }) => html.toString()) ?? []);
      return;
    }
    if (feed === undefined)
      throw new XynFault('not_found', 'This server has no streams; the page fetches what changed.');
    const draw = async () => (await load())?.fragments ?? [];
    const begun = known === undefined ? { first: first?.fragments ?? [] } : { shown: known.state };
    startLiveStream(response, { feed, topics, after, draw, ...begun });
  });
}

function serveAssets(app: Express): void {
  for (const { url, contentType, bytes } of assets()) {
    // Once for all visits, so as small as it gets.
    const small = gzipSync(bytes, { level: 9 });
    app.get(url, (request, response) => {
      response.set({
        'Content-Type': contentType,
        'Cache-Control': YEAR,
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'",
        Vary: 'Accept-Encoding',
      });
      if (acceptsGzip(request)) response.set('Content-Encoding', 'gzip').send(small);
      else response.send(bytes);
    });
  }
}

/** Mounts the operator's screens below `/ui`, and the redirect to them at `/`. */
export function mountUi(app: Express, given: UiOptions): void {
  const options = { ...given, sent: new SentPages() };
  serveAssets(app);
  const readForm = express.urlencoded({ extended: false, limit: MAX_FORM, parameterLimit: 500 });
  // 001 §44: the event console is the start page.
  app.get('/', (_request, response) => {
    response.redirect(302, '/ui/events');
  });
  app.get('/ui/live', followPage(options));
  for (const page of options.pages) app.get(`/ui${page.path}`, showPage(options, page));
  for (const form of [preferencesForm, ...options.forms])
    app.post(`/ui${form.path}`, readForm, takeForm(options, form));
  app.use(
    '/ui',
    handled(options, async () => Promise.reject(new XynFault('not_found', 'No page has this address.'))),
  );
}
