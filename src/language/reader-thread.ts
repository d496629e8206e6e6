import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { isJsonObject, type Json } from '../domain/json.js';
import type { PlainResult } from './reader.js';
import { sourceOf, type ReadResult } from './source.js';

/** After this long a document is given up; every one that is worth reading takes a small part of it. */
const HARD_STOP_MS = 2000;
/** For the thread to start and load the parser, on a machine that is busy. */
const START_MS = 30_000;
/** Documents of 512 KiB need far less; who needs more is hostile, and ends its thread only. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256 };

/** The thread that waits for the next document, if one was started. */
let idle: Promise<Worker | undefined> = Promise.resolve(undefined);

/**
 * Reads a blueprint's bytes in another thread, one at a time. A document that takes longer than 2 s, or more memory
 * than the thread may have, gives the problem `yaml_timeout`; the process goes on in any case.
 */
export function readInWorker(bytes: Uint8Array, hardStopMs = HARD_STOP_MS): Promise<ReadResult> {
  const result = idle.then((worker) => readWith(worker, bytes, hardStopMs));
  idle = result.then(
    ({ worker }) => worker,
    () => undefined,
  );
  return result.then(({ read }) => read);
}

/** The result, and the thread if it can be used again. */
interface Turn {
  read: ReadResult;
  worker: Worker | undefined;
}

async function readWith(waiting: Worker | undefined, bytes: Uint8Array, hardStopMs: number): Promise<Turn> {
  // A thread that has ended, for whatever reason, has the id −1.
  const worker = waiting === undefined || waiting.threadId === -1 ? await startWorker() : waiting;
  worker.ref();
  worker.postMessage(bytes);
  const result = (await nextMessage(worker, hardStopMs)) as PlainResult | undefined;
  if (result === undefined) {
    await worker.terminate();
    return { read: timedOut(hardStopMs), worker: undefined };
  }
  // A thread that waits for work must not keep a program from ending.
  worker.unref();
  if ('problems' in result) return { read: result, worker };
  const { document } = result;
  return { read: { source: sourceOf({ ...document, value: withoutPrototypes(document.value) }) }, worker };
}

async function startWorker(): Promise<Worker> {
  const worker = new Worker(workerFile(), { resourceLimits: RESOURCE_LIMITS, execArgv: [], env: {} });
  // A late error of the thread would end the process if nobody listened.
  worker.on('error', () => undefined);
  if ((await nextMessage(worker, START_MS)) !== undefined) return worker;
  await worker.terminate();
  throw new Error('The thread that reads blueprints did not start.');
}

/** The compiled thread: beside this file, or, when this file runs from source, where the build puts it. */
function workerFile(): URL {
  const beside = new URL('./reader-worker.js', import.meta.url);
  return existsSync(fileURLToPath(beside))
    ? beside
    : new URL('../../dist/src/language/reader-worker.js', import.meta.url);
}

/** The next message of a thread; undefined when it ends, fails or is silent for too long. */
function nextMessage(worker: Worker, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const end = (message?: unknown): void => {
      clearTimeout(timer);
      worker.off('message', end).off('exit', silence).off('error', silence);
      resolve(message);
    };
    const silence = (): void => end();
    const timer = setTimeout(silence, timeoutMs);
    worker.on('message', end).on('exit', silence).on('error', silence);
  });
}

/** Maps lose their lack of a prototype on the way between threads. @returns the same value. */
function withoutPrototypes(value: Json): Json {
  if (Array.isArray(value)) for (const item of value) withoutPrototypes(item);
  else if (isJsonObject(value)) {
    for (const member of Object.values(value)) withoutPrototypes(member);
    Object.setPrototypeOf(value, null);
  }
  return value;
}

function timedOut(hardStopMs: number): ReadResult {
  const message = `The document could not be read within ${hardStopMs / 1000} s.`;
  const suggestion = 'split it into child blueprints';
  const problem = { code: 'yaml_timeout', path: '', line: 1, column: 1, message, suggestion };
  return { problems: [{ ...problem, severity: 'error' }] };
}
