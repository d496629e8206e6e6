import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Target } from '../../src/domain/action.js';
import { freePort } from './free-port.js';
import { noteMissing } from './parts.js';
import { until } from './until.js';

const run = promisify(execFile);
const PROGRAM = '/usr/sbin/sshd';

/** Says aloud when there is no SSH server, so that `describeWith('sshd')` skips and counts, or fails in CI. */
export function noteSshd(): void {
  if (existsSync(PROGRAM)) return;
  noteMissing('sshd', `there is no ${PROGRAM} (Debian: openssh-server)`);
}

/** A real OpenSSH server on loopback with keys of its own. */
export interface Sshd {
  target: Target;
  /** The private key that it takes. */
  key: string;
  /** The public key of its host, and of another server. */
  hostKey: string;
  otherHostKey: string;
  /** Fingerprint of its host key, `SHA256:…`. */
  fingerprint: string;
  /** Everything that it has logged. */
  log(): string;
  stop(): Promise<void>;
}

export async function startSshd(): Promise<Sshd> {
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-sshd-'));
  const file = (name: string): string => path.join(dir, name);
  for (const name of ['host', 'other', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
  }
  const read = async (name: string): Promise<string> => (await readFile(file(name), 'utf8')).trim();
  await writeFile(file('authorized'), await read('user.pub'), { mode: 0o600 });
  await chmod(dir, 0o700);
  // As root, sshd locks its network part into this folder.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized')}`,
    `PidFile ${file('pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'LogLevel VERBOSE',
  ];
  await writeFile(file('config'), config.join('\n'));
  const server = spawn(PROGRAM, ['-D', '-e', '-f', file('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until('sshd listens', () => log.includes('Server listening') || stopped(server, log));
  const [hostKey, otherHostKey] = [await read('host.pub'), await read('other.pub')];
  const fingerprint = (await run('ssh-keygen', ['-lf', file('host.pub')])).stdout.split(' ')[1] ?? '';
  return {
    target: {
      name: 'web1',
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      key: 'ssh/test',
      hostKey,
      labels: {},
    },
    key: `${await read('user')}\n`,
    hostKey,
    otherHostKey,
    fingerprint,
    log: () => log,
    async stop() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      if (server.exitCode === null && server.kill()) await gone;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function stopped(server: ChildProcess, log: string): false {
  if (server.exitCode !== null) throw new Error(`sshd ended: ${log}`);
  return false;
}
