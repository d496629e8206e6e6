import { z } from 'zod';
import { ActionFailure, defineAction, type ActionContext } from '../../../src/domain/action.js';
import { secretReference } from './secret-reference.js';
import {
  CommandCapture,
  commandContract,
  commandErrors,
  commandFields,
  hasOneCommand,
  ONE_COMMAND,
  type CommandOutput,
} from './command.js';
import { quoted } from './ssh-command.js';
import { runRemote } from './ssh-session.js';

const Input = z
  .strictObject({
    host: z.string().min(1).meta({ 'x-sink': 'host', description: 'A target of the inventory.' }),
    ...commandFields,
    key: secretReference.optional().meta({ description: "The private key; without it the target's own." }),
  })
  .refine(hasOneCommand, ONE_COMMAND);
type Input = z.output<typeof Input>;

/** `ssh.run`: one command on a target of the inventory. Each of stdout and stderr is kept up to `max_bytes`. */
export const sshRun = defineAction<Input, CommandOutput>({
  name: 'ssh.run',
  summary: 'Runs one command on a target over SSH and returns its exit code and output.',
  input: Input,
  ...commandContract,
  errors: {
    ...commandErrors,
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

async function run(input: Input, context: ActionContext): Promise<CommandOutput> {
  const target = context.target(input.host);
  const keyPath = input.key?.secret ?? target.key;
  if (keyPath === undefined) {
    const message = `Neither the step nor the target ${target.name} names a key.`;
    throw new ActionFailure({ code: 'auth_failed', message, retryable: false });
  }
  const output = new CommandCapture(input.max_bytes, (stream, chunk) => context.output(stream, chunk));
  const exit = await runRemote({
    target,
    privateKey: await context.secret(keyPath),
    command: input.argv?.map(quoted).join(' ') ?? input.cmd ?? input.script ?? '',
    env: input.env,
    signal: context.signal,
    ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
    onOutput: (stream, chunk) => output.push(stream, chunk),
  });
  return output.outcome(`on ${target.name}`, exit, input.accept);
}
