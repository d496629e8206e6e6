import { runProgram } from '../../src/cli/program.js';
import type { CliActions } from '../../src/cli/actions.js';

/** A command that runs in this process against a real API. */
export interface CliRun {
  /** Its exit code. */
  done: Promise<number>;
  out(): string;
  err(): string;
  /** The lines of `--json` streams. */
  records(): Record<string, unknown>[];
  /** Presses Ctrl-C; false when nothing waits for it, and the program would have been ended. */
  interrupt(): boolean;
}

const elsewhere = (): never => {
  throw new Error('this command needs no API');
};
const actions: CliActions = {
  version: '0.0.0',
  nearestName: () => undefined,
  drawBlueprint: elsewhere,
  migrateBlueprint: elsewhere,
  blueprintSchemaText: elsewhere,
  preflight: elsewhere,
  up: elsewhere,
  down: elsewhere,
  status: elsewhere,
  replayFile: elsewhere,
  replayRun: elsewhere,
  verifyAudit: elsewhere,
  runScenarios: elsewhere,
  mismatchLines: elsewhere,
  junit: elsewhere,
};

async function* nothing(): AsyncGenerator<string> {
  // Standard input of these commands is empty.
}

/** Starts `xynctl` with arguments. */
export function startCli(url: string, args: readonly string[]): CliRun {
  let out = '';
  let err = '';
  const handlers = new Set<() => void>();
  const done = runProgram([...args], actions, {
    env: { XYN_URL: url },
    stdin: nothing(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    clock: Date.now,
    onInterrupt(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  });
  return {
    done,
    out: () => out,
    err: () => err,
    records: () =>
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    interrupt() {
      const waiting = [...handlers];
      handlers.clear();
      for (const handler of waiting) handler();
      return waiting.length > 0;
    },
  };
}
