import { constants } from 'node:os';
import type { Client, ClientChannel, ConnectConfig } from 'ssh2';
import { ActionFailure, type OutputStream, type Target } from '../../../src/domain/action.js';
import { isOver, type Exit } from './command.js';
import { GroupLine } from './group-line.js';
import { remoteCommand } from './ssh-command.js';
import { pinnedKey } from './ssh-host-key.js';

const READY_TIMEOUT_MS = 10_000;
/** A peer that is gone is noticed after three of these. */
const KEEPALIVE_INTERVAL_MS = 5_000;
/** A command that was told to end gets this long before it is killed; the runner waits 5 s in all. */
const TERM_GRACE_MS = 1_500;
const KILL_GRACE_MS = 1_500;

/** What runs where. */
export interface RemoteRun {
  target: Target;
  privateKey: string;
  command: string;
  env: Readonly<Record<string, string>>;
  stdin?: string;
  signal: AbortSignal;
  onOutput(stream: OutputStream, chunk: Buffer): void;
}

/**
 * Runs one command on a machine whose host key is pinned: no command is sent to any other. No agent, no forwarding.
 * When the signal aborts, the command's process group is ended and the promise rejects with the signal's reason.
 * @throws ActionFailure `connect_failed`, `auth_failed`, `host_key_mismatch`, `outcome_unknown`.
 */
export async function runRemote(run: RemoteRun): Promise<Exit> {
  run.signal.throwIfAborted();
  const { Client: SshClient } = await import('ssh2');
  const client = new SshClient();
  try {
    await connected(client, run);
    return await executed(client, run);
  } catch (error) {
    if (run.signal.aborted) throw run.signal.reason;
    throw error;
  } finally {
    client.end();
    client.destroy();
  }
}

function connected(client: Client, { target, privateKey, signal }: RemoteRun): Promise<void> {
  return new Promise((resolve, reject) => {
    const pinned = pinnedKey(target.hostKey);
    let mismatch = false;
    const onAbort = (): void => {
      client.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const config: ConnectConfig = {
      host: target.address,
      port: target.port,
      username: target.user,
      privateKey,
      readyTimeout: READY_TIMEOUT_MS,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      agentForward: false,
      tryKeyboard: false,
      hostVerifier: (key: Buffer) => {
        mismatch = !pinned.matches(key);
        return !mismatch;
      },
      ...(pinned.algorithms === undefined ? {} : { algorithms: { serverHostKey: pinned.algorithms } }),
    };
    client.once('ready', () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    client.on('error', (error) => reject(connectFailure(target, error, mismatch)));
    client.once('close', () => reject(connectFailure(target, new Error('the connection was closed'), mismatch)));
    try {
      client.connect(config);
    } catch (error) {
      // The parser's message can repeat parts of the key.
      reject(failure('auth_failed', `The key for ${target.name} cannot be read as a private key.`, { cause: error }));
    }
  });
}

function connectFailure(target: Target, error: Error & { level?: string }, mismatch: boolean): ActionFailure {
  const noSharedKind = /no matching (server )?host key/i.test(error.message);
  if (mismatch || noSharedKind) {
    const message = `${target.name} does not have the host key of the inventory; nothing was sent.`;
    return failure('host_key_mismatch', message);
  }
  if (error.level === 'client-authentication') {
    return failure('auth_failed', `${target.name} does not take the key for ${target.user}.`);
  }
  return failure('connect_failed', `No connection to ${target.name}: ${error.message}`, {
    retryable: true,
    cause: error,
  });
}

function executed(client: Client, run: RemoteRun): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const { target, signal } = run;
    const broken = (): void =>
      reject(failure('outcome_unknown', `The connection to ${target.name} broke while the command was running.`));
    client.on('error', broken);
    client.once('close', broken);
    client.exec(
      remoteCommand(run.command, run.env),
      { agentForward: false, x11: false } as object,
      (error, channel) => {
        if (error) {
          reject(failure('connect_failed', `${target.name} runs no commands: ${error.message}`, { retryable: true }));
          return;
        }
        const groupLine = new GroupLine();
        let exit: Exit | undefined;
        channel.on('data', (chunk: Buffer) => run.onOutput('stdout', chunk));
        channel.stderr.on('data', (chunk: Buffer) => run.onOutput('stderr', groupLine.push(chunk)));
        channel.on('exit', (code: number | null, name?: string) => {
          exit = code === null ? bySignal(name) : { code };
        });
        const ended = new Promise<void>((done) => channel.once('close', done));
        void ended.then(() => {
          run.onOutput('stderr', groupLine.end());
          // A command that was done when it was told to stop is done; any other end is that of the stop.
          if (signal.aborted && exit?.code !== 0) reject(signal.reason as Error);
          else if (exit === undefined) broken();
          else resolve(exit);
        });
        const stop = (): void =>
          void stopCommand(client, channel, groupLine, ended).then(() => reject(signal.reason as Error));
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop, { once: true });
        void ended.then(() => signal.removeEventListener('abort', stop));
        // A command that does not read its input closes it early; that is no error.
        channel.on('error', () => undefined);
        channel.end(run.stdin ?? '');
      },
    );
  });
}

/**
 * Ends the command: by the protocol, which servers may refuse, and by a second command, since closing a channel leaves
 * the process running.
 */
async function stopCommand(
  client: Client,
  channel: ClientChannel,
  line: GroupLine,
  ended: Promise<void>,
): Promise<void> {
  channel.signal('TERM');
  killGroup(client, line.group, 'TERM');
  if (await isOver(ended, TERM_GRACE_MS)) return;
  channel.signal('KILL');
  killGroup(client, line.group, 'KILL');
  if (await isOver(ended, KILL_GRACE_MS)) return;
  channel.close();
}

function killGroup(client: Client, group: number | undefined, signal: 'TERM' | 'KILL'): void {
  if (group === undefined || group < 2) return;
  client.exec(`kill -${signal} -- -${group}`, (_error, channel) => {
    (channel as ClientChannel | undefined)?.on('error', () => undefined).resume();
  });
}

function bySignal(name = ''): Exit {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  // The protocol has names without SIG; the library puts it back.
  const full = name.startsWith('SIG') ? name : `SIG${name}`;
  return { code: 128 + (numbers[full] ?? 0), signal: full };
}

function failure(code: string, message: string, more: { retryable?: boolean; cause?: unknown } = {}): ActionFailure {
  return new ActionFailure({ code, message, retryable: more.retryable ?? false }, { cause: more.cause });
}
