import type { Container, Exec, ExecInspectInfo } from 'dockerode';
import type { Duplex } from 'node:stream';
import { ActionFailure } from '../../../src/domain/action.js';
import type { Exit } from './command.js';
import {
  converse,
  endCommand,
  onAbort,
  outcomeUnknown,
  variables,
  type ContainerCommand,
} from './container-command.js';
import { engineUnavailable, reasonOf, statusOf } from './container-engine.js';
import { GroupLine } from './group-line.js';

/** Says first who it is, then becomes the command. The engine makes it leader of its process group. */
const ANNOUNCED = ['/bin/sh', '-c', `printf 'xyn-group:%s\\n' "$$" >&2; exec "$@"`, 'xyn'];
const INSPECT_MS = 5_000;
const INSPECT_PAUSE_MS = 50;
const GROUP_WAIT_MS = 1_000;

/**
 * Runs one command in a container that is already running. Engines cannot end such a command, so it is started by the
 * container's own `/bin/sh`, which tells its process group, and ended by a second one. What left its process group on
 * purpose (`setsid`) goes on.
 * When the signal aborts, the process group is ended and the promise rejects with the signal's reason.
 * @throws ActionFailure `container_unknown`, `engine_unavailable`, `outcome_unknown`.
 */
export async function runInRunning(command: ContainerCommand, containerName: string): Promise<Exit> {
  const { engine, signal } = command;
  const container = engine.docker.getContainer(containerName);
  const { exec, socket } = await started(command, container);
  const line = new GroupLine();
  const ended = converse(socket, command.stdin, (stream, chunk) =>
    command.onOutput(stream, stream === 'stderr' ? line.push(chunk) : chunk),
  );
  let stopping: Promise<void> | undefined;
  const forget = onAbort(signal, () => {
    stopping = endCommand(ended, (name) => signalGroup(container, line, name)).then(() => {
      socket.destroy();
    });
  });
  try {
    await ended;
    command.onOutput('stderr', line.end());
    await stopping;
    const exit = await exitOf(exec, command);
    // A command that was done when it was told to stop is done; any other end is that of the stop.
    if (exit.code !== 0) signal.throwIfAborted();
    return exit;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    forget();
    socket.destroy();
  }
}

async function started(
  { engine, argv, env, stdin, signal }: ContainerCommand,
  container: Container,
): Promise<{ exec: Exec; socket: Duplex }> {
  const attachStdin = stdin !== undefined;
  let exec: Exec;
  try {
    exec = await container.exec({
      Cmd: [...ANNOUNCED, ...argv],
      Env: variables(env),
      AttachStdin: attachStdin,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal: signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    throw refusal(error, container.id, engine.name);
  }
  signal.throwIfAborted();
  try {
    return { exec, socket: await exec.start({ hijack: true, stdin: attachStdin }) };
  } catch (error) {
    // An answer of the engine says that the command did not start; without one it may have.
    throw statusOf(error) === undefined ? outcomeUnknown(engine, error) : refusal(error, container.id, engine.name);
  }
}

function refusal(error: unknown, containerName: string, engineName: string): ActionFailure {
  const status = statusOf(error);
  if (status !== 404 && status !== 409) return engineUnavailable(engineName, error);
  const message = `No running container ${containerName} on ${engineName}: ${reasonOf(error)}`;
  return new ActionFailure({ code: 'container_unknown', message, retryable: false }, { cause: error });
}

/** The exit code, which the engine knows a moment after it closed the stream. */
async function exitOf(exec: Exec, { engine }: ContainerCommand): Promise<Exit> {
  const deadline = AbortSignal.timeout(INSPECT_MS);
  let seen: ExecInspectInfo;
  do {
    try {
      seen = await exec.inspect({ abortSignal: deadline });
    } catch (error) {
      throw outcomeUnknown(engine, error);
    }
    if (!seen.Running && seen.ExitCode !== null) return { code: seen.ExitCode };
    await new Promise((resolve) => setTimeout(resolve, INSPECT_PAUSE_MS));
  } while (!deadline.aborted);
  throw outcomeUnknown(engine, new Error('the command still runs, and its output has ended'));
}

async function signalGroup(container: Container, line: GroupLine, name: 'TERM' | 'KILL'): Promise<void> {
  // A command that was only just started has not said yet who it is.
  for (let waitedMs = 0; line.group === undefined && waitedMs < GROUP_WAIT_MS; waitedMs += INSPECT_PAUSE_MS) {
    await new Promise((resolve) => setTimeout(resolve, INSPECT_PAUSE_MS));
  }
  if (line.group === undefined || line.group < 2) return;
  // Without `--`, which not every shell's kill takes.
  const killer = await container.exec({ Cmd: ['/bin/sh', '-c', `kill -${name} -${line.group}`] });
  await killer.start({ Detach: true });
}
