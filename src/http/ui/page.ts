import { z } from 'zod';
import { XynFault } from '../../domain/fault.js';
import type { Caller } from '../../services/caller.js';
import type { BlueprintPages } from '../../services/blueprint-page.js';
import type { EventConsole } from '../../services/event-console.js';
import type { KnownValues } from '../../services/known-values.js';
import type { LaunchService } from '../../services/launch.js';
import type { FootprintDays } from '../../services/footprint-days.js';
import type { LiveFeed, LiveTopic } from '../../services/live-feed.js';
import type { OverviewService } from '../../services/overview.js';
import type { RunPageService } from '../../services/run-page.js';
import type { Clock } from '../../ui/format.js';
import type { Fragment } from '../../ui/parts/fragment.js';
import type { Parts } from '../../ui/parts/parts.js';
import type { PageContent } from '../../ui/shell/shell.js';
import type { Privilege } from '../privileges.js';
import type { Services } from '../services.js';
import { checkDuplicates } from '../route.js';
import { parsePart } from '../validation.js';
import type { Preferences } from './cookies.js';

/** Everything that pages call. */
export interface UiServices extends Services {
  overview: Pick<OverviewService, keyof OverviewService>;
  runPage: Pick<RunPageService, keyof RunPageService>;
  blueprintPages: Pick<BlueprintPages, keyof BlueprintPages>;
  launch: Pick<LaunchService, keyof LaunchService>;
  eventConsole: Pick<EventConsole, keyof EventConsole>;
  footprintDays: Pick<FootprintDays, 'use'>;
  knownValues: Pick<KnownValues, 'beginningWith'>;
  /** Absent: pages fetch what changed every 5 s. */
  feed?: LiveFeed;
}

/** A request as a page sees it: parsed, with a known caller. */
export interface UiCall<Q = unknown> {
  services: UiServices;
  caller: Caller;
  query: Q;
  /** A parameter of the path; those that end in `_id` are UUIDs, save for blueprints. */
  param: (name: string) => string;
  clock: Clock;
  ui: Parts;
  preferences: Preferences;
  /** For the hidden field `_csrf` of every form. */
  csrf: string;
  /** Path and query of the page. */
  here: string;
  /** The script asks for the content alone, without the shell around it. */
  isPart: boolean;
  env: { name: string; stage: string };
  version: string;
}

/** A page as it is answered. */
export interface PageAnswer extends Omit<PageContent, 'live'> {
  status?: number;
  /** The address of this page where it is answered under another one, as after a refused form. */
  here?: string;
  /** Things that need the viewer, where the page knows; else they are counted. */
  needs?: number;
  /** `main` is a piece of a page and is sent without the shell. */
  isPart?: true;
  /** What is renewed when one of the topics changes. The fragments stand in `main`, each under its id. */
  live?: { topics: readonly LiveTopic[]; fragments: readonly Fragment[] };
}

/** What a form is answered with: another page, or a page in place (a refusal with what was typed). */
export type FormAnswer = { location: string; cookies?: readonly string[] } | PageAnswer;

type RawParams = Readonly<Record<string, string | string[] | undefined>>;

/** One page; `load` is also what its live stream calls. */
export interface UiPage {
  /** Below `/ui`, in Express's notation; empty for the home page. */
  path: string;
  privilege: Privilege;
  load(call: UiCall, raw: { params: RawParams; query: Record<string, unknown> }): Promise<PageAnswer>;
}

/** One form: a POST with the page's token. */
export interface UiForm {
  path: string;
  /** There is no page at its address, or one that needs more than the address: an error leads to the page above. */
  isBelow: boolean;
  privilege: Privilege;
  handle(call: UiCall, raw: { params: RawParams; body: Record<string, unknown> }): Promise<FormAnswer>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function paramOf(params: RawParams, name: string): string {
  const value = params[name];
  const isFree = !name.endsWith('_id') || name === 'blueprint_id';
  if (typeof value === 'string' && (isFree ? value.length <= 200 : UUID.test(value))) return value;
  throw new XynFault('not_found', 'Nothing has that id.');
}

/** Declares a page: what comes in is parsed before `load` sees it. */
export function page<Q = Record<string, never>>(spec: {
  path: string;
  privilege: Privilege;
  query?: z.ZodType<Q>;
  load(call: UiCall<Q>): Promise<PageAnswer>;
}): UiPage {
  const schema = (spec.query ?? z.object({})) as z.ZodType<Q>;
  return {
    path: spec.path,
    privilege: spec.privilege,
    load: async (call, { params, query }) => {
      checkDuplicates(query);
      const own = { param: (name: string) => paramOf(params, name), query: parsePart('query', schema, query) };
      return spec.load(Object.assign({}, call, own));
    },
  };
}

/** Declares a form. The token was checked, and is not in `body`. */
export function form<B>(spec: {
  path: string;
  isBelow?: boolean;
  privilege: Privilege;
  body: z.ZodType<B>;
  handle(call: UiCall & { body: B }): Promise<FormAnswer>;
}): UiForm {
  return {
    path: spec.path,
    isBelow: spec.isBelow ?? false,
    privilege: spec.privilege,
    handle: async (call, { params, body }) =>
      spec.handle({ ...call, param: (name) => paramOf(params, name), body: parsePart('body', spec.body, body) }),
  };
}
