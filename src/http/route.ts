import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { ErrorCode } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { Caller } from '../services/caller.js';
import type { FileAnswer } from './file-answer.js';
import type { OpenStream } from '../services/live-events.js';
import type { Privilege } from './privileges.js';
import type { Services } from './services.js';
import { parsePart } from './validation.js';

/** Prefix of the stable paths of the table. */
export const API_PREFIX = '/api/v1';

/** Prefix of those that may change with any release. */
export const INTERNAL_PREFIX = '/api/internal';

/** What a handler answers; status 200 unless it says otherwise. */
export interface Answer {
  status?: 200 | 201 | 202;
  /** Path of what was made. */
  location?: string;
  body: object;
  /** Sent instead of `body`. */
  file?: FileAnswer;
  /** Sent instead of `body`, message by message, as server-sent events. */
  stream?: OpenStream;
}

/** A request as a handler sees it: parsed, with a known caller. */
export interface Call<Q, B> {
  caller: Caller;
  headers: IncomingHttpHeaders;
  query: Q;
  body: B;
  /** A parameter of the path; UUIDs, save for blueprints, schedules, versions and revisions. */
  param: (name: string) => string;
}

/** A request before it is parsed; `body` is undefined when none came. */
export interface RawCall {
  caller: Caller;
  headers: IncomingHttpHeaders;
  params: Readonly<Record<string, string | string[]>>;
  query: Readonly<Record<string, unknown>>;
  body: unknown;
  /** The body as it comes, for routes that read it themselves. */
  bytes: AsyncIterable<Uint8Array>;
}

/** What an answer carries: an object of a schema, or something else of a media type. */
export type AnswerContent = z.ZodObject | { type?: string; description: string };

/** What a route promises, for the description of the API and for the tests that hold it to it. */
export interface RoutePromise {
  /** Name of the operation, unique, like `listRuns`. */
  id: string;
  /** One line without a full stop. */
  summary: string;
  /** By status; answers that are no errors. Without a type: nothing is sent. */
  answers: Readonly<Partial<Record<200 | 201 | 202 | 206 | 304, AnswerContent>>>;
  /** Codes that only this route answers with, besides those that follow from what it takes. */
  errors?: readonly ErrorCode[];
  /** Whether codes of documents come with 400, 413 and 422, although the body is none. */
  documentCodes?: true;
  /** Whether an `Idempotency-Key` makes repeats harmless. */
  keyed?: true;
}

/** One row of the route table. */
export interface Route extends RoutePromise {
  method: 'GET' | 'POST';
  /** Below the prefix, in Express's notation. */
  path: string;
  /** `/api/v1` unless it says otherwise. */
  prefix?: string;
  privilege: Privilege;
  query: z.ZodType;
  /** Absent: the route reads no body. */
  body?: z.ZodType;
  /** Bytes of a JSON body, at most; default 1 MiB. */
  maxBodyBytes?: number;
  /** The body is a document: YAML as it is, or JSON around it. */
  takesDocument: boolean;
  /** With a `name` in the query the body is left to the handler, as bytes. */
  takesBytes?: true;
  handle(services: Services, call: RawCall): Promise<Answer>;
}

interface RouteSpec<Q, B> extends RoutePromise {
  method: Route['method'];
  path: string;
  prefix?: string;
  privilege: Privilege;
  query?: z.ZodType<Q>;
  body?: z.ZodType<B>;
  maxBodyBytes?: number;
  takesDocument?: boolean;
  handle(services: Services, call: Call<Q, B>): Promise<Answer>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Forms of parameters of paths that are no UUIDs; `openapi/request.ts` describes them. */
const FORMS = {
  blueprint_id: /^\P{Cc}{1,200}$/u,
  schedule_id: /^\P{Cc}{1,220}$/u,
  version: /^[1-9]\d{0,8}$/,
  revision: /^[1-9]\d{0,8}$/,
} as const satisfies Record<string, RegExp>;
/** A parameter of a path that is no UUID. */
export type FreeParam = keyof typeof FORMS;
const noQuery = z.strictObject({});

function paramOf(params: RawCall['params'], name: string): string {
  const value = params[name];
  const form = Object.hasOwn(FORMS, name) ? FORMS[name as FreeParam] : UUID;
  if (typeof value === 'string' && form.test(value)) return value;
  throw new XynFault('not_found', 'Nothing has that id.');
}

/** @throws XynFault `query_duplicate` */
export function checkDuplicates(query: RawCall['query']): void {
  const twice = Object.keys(query).filter((name) => Array.isArray(query[name]));
  if (twice.length === 0) return;
  throw new XynFault('query_duplicate', 'A query parameter came twice.', {
    details: { parameters: twice.slice(0, 10) },
  });
}

/** Declares a route: what comes in is parsed before the handler sees it. */
export function route<Q = Record<string, never>, B = undefined>(spec: RouteSpec<Q, B>): Route {
  const { body, takesDocument = false, ...rest } = spec;
  const query = (spec.query ?? noQuery) as z.ZodType<Q>;
  return {
    ...rest,
    query,
    takesDocument,
    ...(body === undefined ? {} : { body }),
    handle: async (services, raw) => {
      checkDuplicates(raw.query);
      return spec.handle(services, {
        caller: raw.caller,
        headers: raw.headers,
        param: (name) => paramOf(raw.params, name),
        query: parsePart('query', query, { ...raw.query }),
        body: body === undefined ? (undefined as B) : parsePart('body', body, raw.body ?? {}),
      });
    },
  };
}
