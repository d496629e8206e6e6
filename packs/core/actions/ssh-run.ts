import { z } from 'zod';
import { ActionFailure, defineAction, type ActionContext } from '../../../src/domain/action.js';
import { secretReference } from './secret-reference.js';
import { CappedText, quoted } from './ssh-command.js';
import { runRemote, type Exit } from './ssh-session.js';

const MIB = 1_048_576;
const EXCERPT_LENGTH = 1_024;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const noNul = z.string().refine((value) => !value.includes('\0'), 'must not hold NUL');
const script = noNul.min(1).max(65_536);

const Input = z
  .strictObject({
    host: z.string().min(1).meta({ 'x-sink': 'host' }),
    argv: z.array(noNul).min(1).max(1_000).meta({ 'x-sink': 'command' }).optional(),
    cmd: script.optional(),
    script: script.optional(),
    env: z
      .record(z.string(), noNul)
      .refine(
        (env) => Object.keys(env).every((name) => ENV_NAME.test(name)),
        'names are letters, digits and underscore',
      )
      .default({}),
    stdin: z.string().optional(),
    key: secretReference.optional(),
    accept: z.array(z.int().min(0).max(255)).default([0]),
    max_bytes: z
      .int()
      .min(1)
      .max(10 * MIB)
      .default(MIB),
  })
  .refine(
    ({ argv, cmd, script: alias }) => [argv, cmd, alias].filter((given) => given !== undefined).length === 1,
    'exactly one of argv and cmd is needed',
  );
type Input = z.output<typeof Input>;

const Output = z.strictObject({
  exit_code: z.int(),
  stdout: z.string().meta({ 'x-taint': true }),
  stderr: z.string().meta({ 'x-taint': true }),
  truncated: z.boolean(),
});
type Output = { exit_code: number; stdout: string; stderr: string; truncated: boolean };

/** `ssh.run`: one command on a target of the inventory. Each of stdout and stderr is kept up to `max_bytes`. */
export const sshRun = defineAction<Input, Output>({
  name: 'ssh.run',
  summary: 'Runs one command on a target over SSH and returns its exit code and output.',
  input: Input,
  output: Output,
  traits: { effect: 'write', idempotency: 'none' },
  static: ['cmd', 'script'],
  errors: {
    exit_nonzero: { retryable: false, help: 'The command ended with a code that `accept` does not name.' },
    connect_failed: { retryable: true, help: 'No connection could be made; the command did not run.' },
    auth_failed: { retryable: false, help: 'The target does not take the key, or there is none that can be read.' },
    host_key_mismatch: {
      retryable: false,
      help: 'The server has another host key than the inventory; no byte of the command was sent.',
    },
    target_unknown: { retryable: false, help: 'The inventory has no such target.' },
  },
  examples: [
    {
      name: 'runs a program with arguments that no shell looks into',
      input: { host: 'web1', argv: ['printf', '%s', 'a $HOME; b'] },
      output: { exit_code: 0, stdout: 'a $HOME; b', truncated: false },
    },
    {
      name: 'runs a fixed script whose values come as variables',
      input: { host: 'web1', cmd: 'echo "unit: $UNIT"', env: { UNIT: 'nginx' } },
      output: { stdout: 'unit: nginx\n' },
    },
    {
      name: 'fails on an exit code that accept does not name',
      input: { host: 'web1', argv: ['test', '-e', '/nowhere'] },
      error: 'exit_nonzero',
    },
  ],
  execute: run,
});

async function run(input: Input, context: ActionContext): Promise<Output> {
  const target = context.target(input.host);
  const keyPath = input.key?.secret ?? target.key;
  if (keyPath === undefined) {
    const message = `Neither the step nor the target ${target.name} names a key.`;
    throw new ActionFailure({ code: 'auth_failed', message, retryable: false });
  }
  const stdout = new CappedText(input.max_bytes);
  const stderr = new CappedText(input.max_bytes);
  const exit = await runRemote({
    target,
    privateKey: await context.secret(keyPath),
    command: input.argv?.map(quoted).join(' ') ?? input.cmd ?? input.script ?? '',
    env: input.env,
    signal: context.signal,
    ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
    onOutput(stream, chunk) {
      if (chunk.length === 0) return;
      (stream === 'stdout' ? stdout : stderr).push(chunk);
      context.output(stream, chunk);
    },
  });
  if (!input.accept.includes(exit.code)) throw exitFailure(target.name, exit, stdout, stderr);
  return {
    exit_code: exit.code,
    stdout: stdout.toString(),
    stderr: stderr.toString(),
    truncated: stdout.truncated || stderr.truncated,
  };
}

/** The end of what the command wrote says most about why it failed. */
function exitFailure(target: string, exit: Exit, stdout: CappedText, stderr: CappedText): ActionFailure {
  const how = exit.signal === undefined ? `with exit code ${exit.code}` : `by signal ${exit.signal}`;
  const text = stderr.toString().trim() || stdout.toString().trim();
  return new ActionFailure({
    code: 'exit_nonzero',
    message: `The command on ${target} ended ${how}.`,
    retryable: false,
    status: exit.code,
    excerpt: text.slice(-EXCERPT_LENGTH),
  });
}
