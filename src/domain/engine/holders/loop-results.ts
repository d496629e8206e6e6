import { jsonLength, type Json, type JsonObject } from '../../json.js';
import type { ForEachNode } from '../../plan.js';
import type { Command } from '../messages.js';
import type { Outcome, ItemResult, Loop } from '../state.js';
import { MAX_FAILURES } from './parallel.js';

/** Characters of results that stay in the state; more are written outside of it (language §8.4). */
const MAX_HEAD = 32 * 1024;
/** Results of one list: one more costs the copy of such a list. */
const LIST = 100;
/** Where counting the characters of a result ends. */
const MAX_COUNTED = 1_048_576;

/** Whether an expression can read the results one by one; else they are not kept, and a loop of any length needs the same memory. */
export function keepsResults({ keep: paths }: ForEachNode): boolean {
  return paths === '*' || paths.some(([first]) => first === 'results');
}

/** Counts an iteration that ended. @returns characters that the state grew by, about. */
export function count(loop: Loop, index: number, ended: Outcome, keepsAll: boolean): number {
  loop[ended.status] += 1;
  loop.prev = null;
  if (ended.status === 'completed') {
    const outputs = ended.outputs as Json;
    loop.prev = outputs;
    if (loop.last === undefined || loop.last.index < index) loop.last = { index, outputs };
    return keepsAll ? keep(loop, { index, status: 'completed', outputs }) : 0;
  }
  const { status, error } = ended;
  if (status === 'failed' && loop.failures.length < MAX_FAILURES) loop.failures.push(error);
  return keepsAll ? keep(loop, { index, status, error }) : 0;
}

function keep(loop: Loop, result: ItemResult): number {
  const sent = loop.spill?.sending?.lists ?? 0;
  const last = loop.results.length > sent ? loop.results.at(-1) : undefined;
  if (last && last.length < LIST) loop.results[loop.results.length - 1] = [...last, result];
  else loop.results.push([result]);
  const size = jsonLength(result as unknown as Json, MAX_COUNTED);
  loop.size += size;
  return size;
}

/** Whether results are being written: until they are, no further iteration begins. */
export function isSending({ spill }: Loop): boolean {
  return spill?.sending !== undefined;
}

/** Begins to write the results in the state, if they are too many for it. */
export function spillIfFull(loop: Loop, path: string): Command | undefined {
  if (loop.size <= MAX_HEAD || isSending(loop) || loop.spill?.lost) return undefined;
  loop.spill = { chunks: 0, ...loop.spill, sending: { lists: loop.results.length, size: loop.size } };
  return spillCommand(loop, path);
}

/** After the last iteration: the rest follows what was written before, and all becomes one list. */
export function closeSpill(loop: Loop, path: string): Command | undefined {
  const { spill } = loop;
  if (spill === undefined || spill.list !== undefined || spill.lost) return undefined;
  loop.spill = { ...spill, sending: { lists: loop.results.length, size: loop.size }, closing: true };
  return spillCommand(loop, path);
}

/** The command that is on its way, if any. */
export function spillCommand({ spill, results }: Loop, path: string): Command | undefined {
  if (spill?.sending === undefined) return undefined;
  return {
    c: 'spill',
    path,
    chunk: spill.chunks,
    results: results.slice(0, spill.sending.lists).flat(),
    ...(spill.closing ? { last: true as const } : {}),
  };
}

/** The outputs of the loop, with results that are in the state or a reference to them. */
export function outputsOf(loop: Loop, keepsAll: boolean): JsonObject {
  const { count: items, completed, failed, cancelled, last, failures } = loop;
  return {
    count: items,
    completed,
    failed,
    cancelled,
    skipped: items - completed - failed - cancelled,
    last: last?.outputs ?? null,
    failures: failures as unknown as Json,
    ...(keepsAll && !loop.spill?.lost ? { results: resultsOf(loop) } : {}),
  };
}

function resultsOf({ spill, results }: Loop): Json {
  return spill?.list ?? inIndexOrder(results.flat() as unknown as Json[]);
}

/** Results in the order of their items. */
export function inIndexOrder(results: readonly Json[]): Json[] {
  return (results as unknown as ItemResult[]).toSorted((a, b) => a.index - b.index) as unknown as Json[];
}
