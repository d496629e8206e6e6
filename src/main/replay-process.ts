import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { workflowIdOf } from '../domain/ids.js';
import { ReplayCheck, type ReplayCheckDeps } from '../services/replay-check.js';
import { historyToJson } from '../temporal/history-json.js';
import type { ReplayVerdict } from '../temporal/replay.js';

/** Replay checks, each in a process of its own. @param main the compiled `replay-child`. */
export function createReplayCheck(
  main: string,
  deps: Pick<ReplayCheckDeps, 'catalog' | 'gateway' | 'timeoutMs'>,
): ReplayCheck {
  return new ReplayCheck({ ...deps, replay: (...args) => replayInProcess(main, ...args) });
}

async function replayInProcess(
  main: string,
  ...[history, runId, signal]: Parameters<ReplayCheckDeps['replay']>
): Promise<ReplayVerdict> {
  // No settings and no secrets: a replay reaches nothing.
  const child = spawn(process.execPath, [main], {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // A child that ends early closes its input: what it wrote tells why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ history: historyToJson(history), workflowId: workflowIdOf(runId) }));
  const told = Promise.all([text(child.stdout), text(child.stderr), ended]);
  const [verdict, problem] = await Promise.race([told, failed]);
  signal.throwIfAborted();
  if (verdict === '') throw new Error(`the replay ended without a verdict: ${problem.slice(-2_000)}`);
  return JSON.parse(verdict) as ReplayVerdict;
}
