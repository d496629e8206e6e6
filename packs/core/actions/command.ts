import { z } from 'zod';
import { ActionFailure, type AnyAction, type OutputStream } from '../../../src/domain/action.js';

const MIB = 1_048_576;
const EXCERPT_LENGTH = 1_024;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const noNul = z.string().refine((value) => !value.includes('\0'), 'must not hold NUL');
const script = noNul.min(1).max(65_536);

/** The inputs that all actions have which run a command (language §3.3). */
export const commandFields = {
  argv: z
    .array(noNul)
    .min(1)
    .max(1_000)
    .meta({ 'x-sink': 'command', description: 'Program and arguments; no shell looks into them.' })
    .optional(),
  cmd: script
    .meta({ description: 'A fixed script for the shell, without templates; values come by `env`.' })
    .optional(),
  script: script.meta({ description: 'The same as `cmd`.' }).optional(),
  env: z
    .record(z.string(), noNul)
    .refine((env) => Object.keys(env).every((name) => ENV_NAME.test(name)), 'names are letters, digits and underscore')
    .default({})
    .meta({ description: 'Variables of the command.' }),
  stdin: z.string().optional().meta({ description: 'What the command reads.' }),
  accept: z.array(z.int().min(0).max(255)).default([0]).meta({ description: 'Exit codes that are no failure.' }),
  max_bytes: z
    .int()
    .min(1)
    .max(10 * MIB)
    .default(MIB)
    .meta({ description: 'Of each output; what is beyond is cut.' }),
};

export const ONE_COMMAND = 'exactly one of argv and cmd is needed';

/** Whether an input names exactly one command. */
export function hasOneCommand(input: { argv?: unknown; cmd?: unknown; script?: unknown }): boolean {
  return [input.argv, input.cmd, input.script].filter((given) => given !== undefined).length === 1;
}

/** What all actions give that run a command. */
export const CommandOutput = z.strictObject({
  exit_code: z.int(),
  stdout: z.string().meta({ 'x-taint': true }),
  stderr: z.string().meta({ 'x-taint': true }),
  truncated: z.boolean(),
});
export type CommandOutput = { exit_code: number; stdout: string; stderr: string; truncated: boolean };

/** What all actions declare alike that run a command. */
export const commandContract = {
  output: CommandOutput,
  traits: { effect: 'write', idempotency: 'none' },
  static: ['cmd', 'script'],
} satisfies Partial<AnyAction>;

export const commandErrors = {
  exit_nonzero: { retryable: false, help: 'The command ended with a code that `accept` does not name.' },
};

/** How a command ended. */
export interface Exit {
  /** 128 and the signal's number for a command that a signal ended, as shells count. */
  code: number;
  signal?: string;
}

/** Keeps the beginning of both outputs of a command, and passes all of them on to the step's log. */
export class CommandCapture {
  readonly #kept: Record<OutputStream, CappedText>;
  readonly #log: (stream: OutputStream, chunk: Buffer) => void;

  constructor(maxBytes: number, log: (stream: OutputStream, chunk: Buffer) => void) {
    this.#kept = { stdout: new CappedText(maxBytes), stderr: new CappedText(maxBytes) };
    this.#log = log;
  }

  push(stream: OutputStream, chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#kept[stream].push(chunk);
    this.#log(stream, chunk);
  }

  /**
   * What the step gives.
   * @param where for people: `on web1`, `in the container db`.
   * @throws ActionFailure `exit_nonzero` when `accept` does not name the exit code.
   */
  outcome(where: string, exit: Exit, accept: readonly number[]): CommandOutput {
    const { stdout, stderr } = this.#kept;
    if (!accept.includes(exit.code)) throw this.#exitFailure(where, exit);
    return {
      exit_code: exit.code,
      stdout: stdout.toString(),
      stderr: stderr.toString(),
      truncated: stdout.truncated || stderr.truncated,
    };
  }

  /** The end of what the command wrote says most about why it failed. */
  #exitFailure(where: string, exit: Exit): ActionFailure {
    const how = exit.signal === undefined ? `with exit code ${exit.code}` : `by signal ${exit.signal}`;
    const text = this.#kept.stderr.toString().trim() || this.#kept.stdout.toString().trim();
    return new ActionFailure({
      code: 'exit_nonzero',
      message: `The command ${where} ended ${how}.`,
      retryable: false,
      status: exit.code,
      excerpt: text.slice(-EXCERPT_LENGTH),
    });
  }
}

/** Whether something ends within that time. */
export async function isOver(ended: Promise<void>, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), withinMs)));
  const over = await Promise.race([ended.then(() => true), late]);
  clearTimeout(timer);
  return over;
}

/** The beginning of an output, up to a number of bytes, never half a character. */
class CappedText {
  truncated = false;
  readonly #chunks: Buffer[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    const part = chunk.subarray(0, this.#maxBytes - this.#bytes);
    if (part.length < chunk.length) this.truncated = true;
    if (part.length > 0) this.#chunks.push(part);
    this.#bytes += part.length;
  }

  toString(): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    // In stream mode the decoder keeps an unfinished character at the end to itself.
    return decoder.decode(Buffer.concat(this.#chunks), { stream: this.truncated });
  }
}
