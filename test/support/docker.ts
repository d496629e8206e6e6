import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, open, readFile, rm, symlink } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { noteMissing } from './parts.js';
import { until } from './until.js';

const run = promisify(execFile);
const PROGRAMS = ['/usr/sbin/dockerd', '/bin/busybox'];
const APPLETS = ['sh', 'cat', 'echo', 'env', 'false', 'id', 'kill', 'ps', 'printf', 'setsid', 'seq', 'sleep', 'test'];
const APPLETS_MORE = ['touch', 'true', 'wget', 'yes', 'dd', 'stty', 'mount', 'ping', 'head', 'tail', 'grep'];
const READY_MS = 90_000;
/** An image is built in minutes. */
const COMMAND_MS = 15 * 60_000;

/** Why no Docker daemon can be started here; undefined where one can. */
function obstacle(): string | undefined {
  const missing = PROGRAMS.find((program) => !existsSync(program));
  if (missing !== undefined) return `there is no ${missing} (Debian: docker.io, busybox-static)`;
  return process.getuid?.() === 0 ? undefined : 'a Docker daemon of our own needs root';
}

/** Says aloud when no Docker daemon can be started, so that `describeWith('docker')` skips and counts, or fails in CI. */
export function noteDocker(): void {
  const reason = obstacle();
  if (reason !== undefined) noteMissing('docker', reason);
}

/** A real Docker daemon of our own: no network, its own folders and socket. */
export interface DockerDaemon {
  /** `unix:///…/docker.sock` */
  address: string;
  /** Where it keeps everything; gone after `stop`. */
  dir: string;
  /** Runs Docker's client with these arguments and gives what it wrote. */
  docker(...args: string[]): Promise<string>;
  /** Makes an image of a folder's content; `changes` are lines of a Dockerfile, such as `ENV A=b` and `USER 1`. */
  import(folder: string, name: string, changes?: readonly string[]): Promise<void>;
  /** Ends the daemon with its containers and removes its folder. */
  stop(): Promise<void>;
}

/** The image that `startDocker` makes: BusyBox and nothing else. */
export const BUSYBOX = 'busybox:1';

/**
 * Starts a daemon, and makes the image `busybox:1`; about two seconds.
 * @param flags further arguments, such as a second address with TLS.
 */
export async function startDocker(flags: readonly string[] = []): Promise<DockerDaemon> {
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-docker-'));
  const socket = path.join(dir, 'docker.sock');
  const log = await open(path.join(dir, 'log'), 'a');
  const daemon = spawn(
    '/usr/sbin/dockerd',
    [
      ...['--iptables=false', '--ip6tables=false', '--bridge=none'],
      ...['--data-root', path.join(dir, 'data'), '--exec-root', path.join(dir, 'exec')],
      ...['--pidfile', path.join(dir, 'pid'), '--host', `unix://${socket}`, ...flags],
    ],
    { stdio: ['ignore', log.fd, log.fd] },
  );
  await log.close();
  const docker = async (...args: string[]): Promise<string> => {
    const options = { timeout: COMMAND_MS, maxBuffer: 64 * 1_048_576, env: { PATH: process.env['PATH'], HOME: dir } };
    const ran = run('docker', ['--host', `unix://${socket}`, ...args], options).catch((error: unknown) => {
      const { message, stdout = '' } = error as Error & { stdout?: string };
      throw new Error(`${message}\n${stdout.slice(-2_000)}`, { cause: error });
    });
    return (await ran).stdout.trim();
  };
  const started: DockerDaemon = {
    address: `unix://${socket}`,
    dir,
    docker,
    async import(folder, name, changes = []) {
      const flags = changes.flatMap((change) => ['--change', change]);
      // Its folder, its address and its name are arguments one to three; what is left are flags.
      const tar =
        'folder=$1 host=$2 name=$3; shift 3; tar -C "$folder" -c . | docker --host "$host" import "$@" - "$name"';
      const args = ['-c', tar, 'sh', folder, `unix://${socket}`, name, ...flags];
      await run('/bin/sh', args, { timeout: COMMAND_MS });
    },
    async stop() {
      // The daemon's own end would wait ten seconds for each container.
      const ids = await docker('ps', '--all', '--quiet').catch(() => '');
      if (ids !== '') await docker('rm', '--force', ...ids.split('\n')).catch(() => undefined);
      // A network is an interface of this machine, which outlives the daemon.
      await docker('network', 'prune', '--force').catch(() => undefined);
      await stopDaemon(daemon, dir);
    },
  };
  try {
    await until('the Docker daemon answers', async () => (await isReady(socket)) || hasEnded(daemon), READY_MS);
    await importBusybox(started);
  } catch (error) {
    const said = await readFile(path.join(dir, 'log'), 'utf8').catch(() => '');
    await started.stop();
    throw new Error(`no Docker daemon: ${String(error)}\n${said.slice(-2_000)}`, { cause: error });
  }
  return started;
}

async function importBusybox(daemon: DockerDaemon): Promise<void> {
  const root = path.join(daemon.dir, 'busybox');
  for (const folder of ['bin', 'tmp', 'proc', 'sys', 'dev', 'etc'])
    await mkdir(path.join(root, folder), { recursive: true });
  await cp('/bin/busybox', path.join(root, 'bin/busybox'));
  for (const applet of [...APPLETS, ...APPLETS_MORE]) await symlink('busybox', path.join(root, 'bin', applet));
  await daemon.import(root, BUSYBOX);
}

async function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 1_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ping.on('error', () => resolve(false)).on('timeout', () => ping.destroy());
    ping.end();
  });
}

function hasEnded(daemon: ChildProcess): false {
  if (daemon.exitCode !== null) throw new Error(`dockerd ended with ${daemon.exitCode}`);
  return false;
}

async function stopDaemon(daemon: ChildProcess, dir: string): Promise<void> {
  const gone = new Promise((resolve) => daemon.once('exit', resolve));
  const late = setTimeout(() => daemon.kill('SIGKILL'), 25_000);
  if (daemon.exitCode === null && daemon.signalCode === null && daemon.kill()) await gone;
  clearTimeout(late);
  // A daemon that was killed leaves mounts.
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts.filter((place) => place.startsWith(`${dir}/`)).reverse()) {
    await run('umount', ['-l', mount]).catch(() => undefined);
  }
  await rm(dir, { recursive: true, force: true });
}
