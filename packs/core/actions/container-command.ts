import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { ActionFailure, type OutputStream } from '../../../src/domain/action.js';
import { isOver } from './command.js';
import { reasonOf, type OpenEngine } from './container-engine.js';
import { OutputFrames } from './container-frames.js';

/** A command that was told to end gets this long before it is killed; the runner waits 5 s in all. */
const TERM_GRACE_MS = 1_500;
const KILL_GRACE_MS = 1_500;

/** What runs where. */
export interface ContainerCommand {
  engine: OpenEngine;
  /** The program and its arguments, as they are. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  stdin?: string;
  signal: AbortSignal;
  onOutput: (stream: OutputStream, chunk: Buffer) => void;
}

/** Variables in the form in which engines take them. */
export function variables(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

/**
 * Sends the input, passes the output on, and resolves when the engine has closed the stream, cleanly or not: what became
 * of the command is asked for afterwards.
 */
export async function converse(
  socket: Duplex,
  stdin: string | undefined,
  onOutput: ContainerCommand['onOutput'],
): Promise<void> {
  const frames = new OutputFrames(onOutput);
  socket.on('data', (chunk: Buffer) => frames.push(chunk));
  // A command that does not read its input closes it early; that is no error. A break is seen when the exit is asked for.
  socket.on('error', () => undefined);
  const closed = Promise.race([once(socket, 'end'), once(socket, 'close')]).catch(() => undefined);
  if (stdin !== undefined) socket.end(stdin);
  await closed;
}

/**
 * Has a command ended: by TERM, after a while by KILL. Resolves when it is over, or when nothing helped.
 * @param send sends a signal; its failure means that there is nothing left to end.
 */
export async function endCommand(
  ended: Promise<void>,
  send: (signal: 'TERM' | 'KILL') => Promise<void>,
): Promise<void> {
  void send('TERM').catch(() => undefined);
  if (await isOver(ended, TERM_GRACE_MS)) return;
  void send('KILL').catch(() => undefined);
  await isOver(ended, KILL_GRACE_MS);
}

/** Runs `stop` once when the signal aborts, also when it already has; call the result to forget it. */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  if (signal.aborted) {
    stop();
    return () => undefined;
  }
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

/** The command may have run, and nobody can say how it ended. */
export function outcomeUnknown({ name }: OpenEngine, error: unknown): ActionFailure {
  const message = `The connection to ${name} broke while the command was running: ${reasonOf(error)}`;
  return new ActionFailure({ code: 'outcome_unknown', message, retryable: false }, { cause: error });
}
