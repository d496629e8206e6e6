import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { timingSafeEqual } from 'node:crypto';
import ssh2, { type AuthContext, type Connection, type ParsedKey, type ServerChannel, type Session } from 'ssh2';

/** A command of the demo that runs longer is killed. */
const COMMAND_MS = 60_000;
const MAX_CONNECTIONS = 8;

/** The SSH server that stands for the machine with the problem, and all that is needed to reach it. */
export interface DemoSshServer {
  port: number;
  user: string;
  /** The one key that it lets in, in OpenSSH's format. */
  clientKey: string;
  /** What to pin, like `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** Ends connections and their commands. Idempotent. */
  close(): Promise<void>;
}

/** Listens on loopback only, at a free port, with keys that live as long as the process. */
export async function startDemoSshServer(user: string): Promise<DemoSshServer> {
  const host = generateKey('xyn-demo-host');
  const client = generateKey('xyn-demo');
  const allowed = client.parsed;
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [host.private], banner: '' }, (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    // A client that vanishes is nobody's problem here: its commands end with it.
    connection.on('error', () => connection.end());
    connection.on('authentication', (context) => letIn(context, user, allowed));
    connection.on('session', (accept) => serve(accept()));
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    user,
    clientKey: client.private,
    hostKey: host.public.split(' ').slice(0, 2).join(' '),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.end();
      }),
  };
}

function letIn(context: AuthContext, user: string, allowed: ParsedKey): void {
  if (context.method !== 'publickey' || context.username !== user) {
    context.reject(['publickey']);
    return;
  }
  const known = allowed.getPublicSSH();
  const isKnown = context.key.data.length === known.length && timingSafeEqual(context.key.data, known);
  const { signature, blob, hashAlgo } = context;
  // Without a signature the client only asks whether the key would do.
  const isProven = !signature || (blob !== undefined && allowed.verify(blob, signature, hashAlgo));
  if (isKnown && isProven) context.accept();
  else context.reject(['publickey']);
}

function serve(session: Session): void {
  const variables: Record<string, string> = {};
  session.on('env', (accept, _reject, { key, val }) => {
    variables[key] = val;
    // Not every client wants an answer.
    (accept as (() => void) | undefined)?.();
  });
  session.once('exec', (accept, _reject, { command }) => run(command, variables, session, accept()));
}

/** Does what sshd does: the login shell gets the command line; nothing of this process's environment goes along. */
function run(command: string, variables: Record<string, string>, session: Session, channel: ServerChannel): void {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', ...variables };
  const child = spawn('/bin/sh', ['-c', command], { cwd: '/', env, detached: true, stdio: 'pipe' });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of its processes have ended.
    }
  };
  const timer = setTimeout(kill, COMMAND_MS);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.stdin.on('error', () => undefined);
  channel.pipe(child.stdin);
  session.on('signal', kill);
  channel.on('close', kill);
  child.on('error', () => channel.close());
  child.on('close', (code, signal) => {
    clearTimeout(timer);
    if (signal === null) channel.exit(code ?? 255);
    else channel.exit(signal.replace(/^SIG/, ''));
    channel.end();
  });
}

interface DemoKey {
  public: string;
  private: string;
  parsed: ssh2.ParsedKey;
}

/** About one in a hundred keys that ssh2 makes it cannot read itself: those are thrown away. */
function generateKey(comment: string): DemoKey {
  for (let tries = 1; ; tries += 1) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    try {
      const parsed = ssh2.utils.parseKey(pair.public);
      if (parsed instanceof Error) throw parsed;
      if (ssh2.utils.parseKey(pair.private) instanceof Error) throw new Error('the private half cannot be read');
      return { ...pair, parsed };
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}
