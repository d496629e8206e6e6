import { z } from 'zod';
import { ActionFailure, defineAction, type ActionContext } from '../../../src/domain/action.js';
import { globMatches } from '../../../src/domain/glob.js';
import {
  CommandCapture,
  commandContract,
  commandErrors,
  commandFields,
  hasOneCommand,
  ONE_COMMAND,
  type CommandOutput,
} from './command.js';
import type { ContainerCommand } from './container-command.js';
import { openEngine } from './container-engine.js';
import { runInRunning } from './container-exec-running.js';
import { runImage } from './container-run-image.js';

const MAX_CPUS = 64;
const MIN_MEMORY_MB = 6;
const MAX_MEMORY_MB = 1_048_576;
/** What engines take; also keeps a name from becoming another path of their API. */
const containerName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/, 'must be the name or id of a container');
const imageName = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._/:@-]*[A-Za-z0-9])?$/, 'must be the name of an image');

const Input = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .meta({ 'x-sink': 'host', description: "A target of the inventory; without it the worker's own engine." })
      .optional(),
    container: containerName.meta({ 'x-sink': 'command', description: 'A container that runs.' }).optional(),
    image: imageName.meta({ 'x-sink': 'command', description: 'The image of a throw-away container.' }).optional(),
    ...commandFields,
    network: z.boolean().default(false).meta({ description: 'Whether a throw-away container has a network.' }),
    memory_mb: z
      .int()
      .min(MIN_MEMORY_MB)
      .max(MAX_MEMORY_MB)
      .default(512)
      .meta({ description: 'Memory of a throw-away container.' }),
    cpus: z.number().min(0.01).max(MAX_CPUS).default(1).meta({ description: 'Processors of a throw-away container.' }),
  })
  .refine(hasOneCommand, ONE_COMMAND)
  .refine(
    ({ container, image }) => (container === undefined) !== (image === undefined),
    'exactly one of container and image is needed',
  );
type Input = z.output<typeof Input>;

/** `container.exec`: one command in a running container, or in a throw-away one of an image. */
export const containerExec = defineAction<Input, CommandOutput>({
  name: 'container.exec',
  summary: 'Runs one command in a running container or in a throw-away one, and returns its exit code and output.',
  input: Input,
  ...commandContract,
  errors: {
    ...commandErrors,
    container_unknown: { retryable: false, help: 'No container of that name runs there.' },
    image_denied: { retryable: false, help: 'XYN_CONTAINER_IMAGES does not allow the image.' },
    engine_unavailable: {
      retryable: true,
      help: 'The engine does not answer, has not got the image, or refused the container; the command did not run.',
    },
    target_unknown: { retryable: false, help: 'The inventory has no such target, or the target has no engine.' },
  },
  examples: [
    {
      name: 'runs a program in a throw-away container, with arguments that no shell looks into',
      input: { image: 'busybox:1', argv: ['printf', '%s', 'a $HOME; b'] },
      output: { exit_code: 0, stdout: 'a $HOME; b', truncated: false },
    },
    {
      name: 'runs a fixed script whose values come as variables, in a container that runs on a target',
      input: { host: 'web1', container: 'shop', cmd: 'echo "unit: $UNIT"', env: { UNIT: 'nginx' } },
      output: { stdout: 'unit: nginx\n' },
    },
    {
      name: 'fails on an exit code that accept does not name',
      input: { container: 'shop', argv: ['test', '-e', '/nowhere'] },
      error: 'exit_nonzero',
    },
    {
      name: 'starts no image that the settings do not allow',
      input: { image: 'unknown.example/tool:1', argv: ['true'] },
      error: 'image_denied',
    },
  ],
  execute: run,
});

async function run(input: Input, context: ActionContext): Promise<CommandOutput> {
  const { image, container } = input;
  if (image !== undefined && !context.containers.images.some((pattern) => globMatches(image, pattern))) {
    const message = `XYN_CONTAINER_IMAGES does not allow the image ${image}.`;
    throw new ActionFailure({ code: 'image_denied', message, retryable: false });
  }
  const { engine, name } = engineOf(input.host, context);
  const output = new CommandCapture(input.max_bytes, (stream, chunk) => context.output(stream, chunk));
  const command: ContainerCommand = {
    engine: await openEngine(engine, name, (path) => context.secret(path), context.signal),
    argv: input.argv ?? ['/bin/sh', '-c', input.cmd ?? input.script ?? ''],
    env: input.env,
    signal: context.signal,
    ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
    onOutput: (stream, chunk) => output.push(stream, chunk),
  };
  if (container !== undefined) {
    const exit = await runInRunning(command, container);
    return output.outcome(`in the container ${container}`, exit, input.accept);
  }
  const exit = await runImage({
    command,
    image: image as string,
    network: input.network,
    memoryMb: input.memory_mb,
    cpus: input.cpus,
    attempt: { runId: context.runId, path: context.path, attempt: context.attempt },
  });
  return output.outcome(`in ${image}`, exit, input.accept);
}

function engineOf(host: string | undefined, context: ActionContext) {
  if (host === undefined) return { engine: context.containers.engine, name: 'the local engine' };
  const { engine } = context.target(host);
  if (engine !== undefined) return { engine, name: `the engine of ${host}` };
  const message = `The target ${host} has no container engine; give it one (engine.address) in the inventory.`;
  throw new ActionFailure({ code: 'target_unknown', message, retryable: false });
}
