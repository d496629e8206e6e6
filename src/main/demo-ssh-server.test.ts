import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import ssh2 from 'ssh2';
import { startDemoSshServer, type DemoSshServer } from './demo-ssh-server.js';

let server: DemoSshServer;

beforeEach(async () => {
  server = await startDemoSshServer('ops');
});

afterEach(() => server.close());

interface Login {
  username?: string;
  privateKey?: string;
  password?: string;
  hostKeys?: string[];
}

function connect({ username = 'ops', privateKey = server.clientKey, hostKeys = [], ...rest }: Login = {}) {
  return new Promise<ssh2.Client>((resolve, reject) => {
    const client = new ssh2.Client();
    client.once('ready', () => resolve(client)).once('error', reject);
    const hostVerifier = (key: Buffer): boolean => hostKeys.push(key.toString('base64')) > 0;
    const key = rest.password === undefined ? { privateKey } : {};
    client.connect({ host: '127.0.0.1', port: server.port, username, hostVerifier, ...key, ...rest });
  });
}

function run(client: ssh2.Client, command: string, input = '') {
  return new Promise<{ out: string; err: string; code: number | null; signal: string | undefined }>(
    (resolve, reject) => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error);
        let out = '';
        let err = '';
        channel.on('data', (chunk: Buffer) => (out += chunk.toString()));
        channel.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
        channel.on('close', (code: number | null, signal: string | undefined) => {
          client.end();
          resolve({ out, err, code, signal });
        });
        channel.end(input);
      });
    },
  );
}

describe('the SSH server of the demo', () => {
  it('shows the key that is to be pinned, and runs the command line in a shell of its own', async () => {
    const hostKeys: string[] = [];
    const client = await connect({ hostKeys });
    expect(server.hostKey).toBe(`ssh-ed25519 ${hostKeys[0]}`);
    expect(await run(client, 'cat; echo "$HOME$0" >&2; exit 3', 'given')).toEqual({
      out: 'given',
      err: '/bin/sh\n',
      code: 3,
      signal: undefined,
    });
  });

  it.each([
    ['another user', { username: 'root' }],
    ['another key', { privateKey: ssh2.utils.generateKeyPairSync('ed25519').private }],
    ['a password', { password: 'ops' }],
  ])('does not let in %s', async (_what, login) => {
    await expect(connect(login)).rejects.toThrow('authentication methods failed');
  });

  it('ends commands with the connection', async () => {
    const client = await connect();
    const pid = await new Promise<number>((resolve, reject) => {
      client.exec('echo $$; exec sleep 600', (error, channel) => {
        if (error) return reject(error);
        channel.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
      });
    });
    client.end();
    const deadline = Date.now() + 30_000;
    let lives = true;
    while (lives && Date.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
      try {
        process.kill(pid, 0);
      } catch {
        lives = false;
      }
    }
    expect(lives).toBe(false);
  });
});
