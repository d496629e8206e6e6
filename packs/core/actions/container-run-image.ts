import type { Container, ContainerCreateOptions } from 'dockerode';
import type { Exit } from './command.js';
import {
  converse,
  endCommand,
  onAbort,
  outcomeUnknown,
  variables,
  type ContainerCommand,
} from './container-command.js';
import { engineUnavailable, reasonOf, statusOf, type OpenEngine } from './container-engine.js';

const MIB = 1_048_576;
const NANO = 1_000_000_000;
const MAX_PROCESSES = 256;
/** What still comes after the command has ended is in the engine's pipe: moments. */
const LAST_OUTPUT_MS = 2_000;
const REMOVE_MS = 10_000;
/** What shells answer for a program that is not there or may not run. */
const NOT_STARTED = 127;
const KILLED = 137;

/** Whose container it is: what a sweep needs to find those that outlived their worker. */
export interface Attempt {
  runId: string;
  path: string;
  attempt: number;
}

export const LABELS = { runId: 'xyn.run_id', path: 'xyn.step', attempt: 'xyn.attempt' } as const;

/** A container for one command. */
export interface ImageRun {
  command: ContainerCommand;
  image: string;
  network: boolean;
  memoryMb: number;
  cpus: number;
  attempt: Attempt;
}

/**
 * Runs one command in a new container, which is gone when the promise settles. When the signal aborts, the container is
 * ended and the promise rejects with the signal's reason.
 * @throws ActionFailure `engine_unavailable`, `outcome_unknown`.
 */
export async function runImage(run: ImageRun): Promise<Exit> {
  const { engine, signal } = run.command;
  const container = await created(run);
  try {
    signal.throwIfAborted();
    const exit = await executed(run, container);
    // A command that was done when it was told to stop is done; any other end is that of the stop.
    if (exit.code !== 0) signal.throwIfAborted();
    return exit;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await removed(engine, container.id);
  }
}

async function executed({ command }: ImageRun, container: Container): Promise<Exit> {
  const { engine, signal, stdin, onOutput } = command;
  const socket = await container
    .attach({ stream: true, stdin: stdin !== undefined, stdout: true, stderr: true, hijack: true })
    .catch((error: unknown) => {
      throw engineUnavailable(engine.name, error);
    });
  // Asked before the start: the container removes itself when it ends.
  const exited = container.wait({ condition: 'next-exit' }) as Promise<{ StatusCode: number }>;
  const ended = exited.then(
    () => undefined,
    () => undefined,
  );
  // Listens before the start, so that not a byte is lost.
  const output = converse(socket as never, stdin, onOutput);
  let forget = (): void => undefined;
  try {
    try {
      await container.start();
    } catch (error) {
      if (statusOf(error) === undefined) throw outcomeUnknown(engine, error);
      if (statusOf(error) !== 400) throw engineUnavailable(engine.name, error);
      onOutput('stderr', Buffer.from(`${reasonOf(error)}\n`));
      return { code: NOT_STARTED };
    }
    let stopping: Promise<void> | undefined;
    forget = onAbort(signal, () => {
      stopping = endCommand(ended, async (name) => {
        await container.kill({ signal: `SIG${name}` });
      }).then(() => removed(engine, container.id));
    });
    const { StatusCode: code } = await exited.catch((error: unknown) => {
      throw outcomeUnknown(engine, error);
    });
    await Promise.race([output, new Promise((resolve) => setTimeout(resolve, LAST_OUTPUT_MS).unref())]);
    await stopping;
    return code === KILLED ? { code, signal: 'SIGKILL (as when memory_mb is used up)' } : { code };
  } finally {
    forget();
    (socket as unknown as { destroy(): void }).destroy();
  }
}

async function created(run: ImageRun): Promise<Container> {
  const { engine, signal } = run.command;
  const create = (): Promise<Container> => engine.docker.createContainer({ ...optionsOf(run), abortSignal: signal });
  try {
    return await create().catch(async (error: unknown) => {
      if (statusOf(error) !== 404) throw error;
      await pulled(engine, run.image, signal);
      return create();
    });
  } catch (error) {
    signal.throwIfAborted();
    throw engineUnavailable(engine.name, error);
  }
}

async function pulled({ docker }: OpenEngine, image: string, signal: AbortSignal): Promise<void> {
  const progress = await docker.pull(image, { abortSignal: signal });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error, lines: { error?: string }[]) => {
      const reason = error?.message ?? lines.find((line) => line.error !== undefined)?.error;
      if (reason === undefined) resolve();
      else reject(new Error(`${image} is not there and cannot be pulled: ${reason}`));
    });
  });
}

/** Everything that a container could reach beyond itself is off; what remains is bounded. */
function optionsOf({ command, image, network, memoryMb, cpus, attempt }: ImageRun): ContainerCreateOptions {
  const hasInput = command.stdin !== undefined;
  return {
    Image: image,
    // The image's own entry point would see the command as its arguments.
    Entrypoint: [...command.argv],
    Cmd: [],
    Env: variables(command.env),
    Labels: {
      [LABELS.runId]: attempt.runId,
      [LABELS.path]: attempt.path,
      [LABELS.attempt]: String(attempt.attempt),
    },
    AttachStdin: hasInput,
    OpenStdin: hasInput,
    StdinOnce: hasInput,
    AttachStdout: true,
    AttachStderr: true,
    NetworkDisabled: !network,
    HostConfig: {
      AutoRemove: true,
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,noexec,nosuid,nodev,size=64m' },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      NetworkMode: network ? 'default' : 'none',
      Memory: memoryMb * MIB,
      MemorySwap: memoryMb * MIB,
      NanoCpus: Math.round(cpus * NANO),
      PidsLimit: MAX_PROCESSES,
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      // The step's log has the output; a copy on the engine's disk would have no bound.
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

/** Removes a container that may already be gone, or be going by itself; what is left all the same is the sweep's. */
export async function removed({ docker }: Pick<OpenEngine, 'docker'>, id: string): Promise<void> {
  const container = docker.getContainer(id);
  const abortSignal = AbortSignal.timeout(REMOVE_MS);
  try {
    await container.remove({ force: true, v: true, abortSignal }).catch(async (error: unknown) => {
      if (statusOf(error) === 409) await container.wait({ condition: 'removed', abortSignal });
    });
  } catch {
    // Gone in between, or the engine does not answer.
  }
}
