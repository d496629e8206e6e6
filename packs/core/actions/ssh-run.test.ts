import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OutputStream, Target } from '../../../src/domain/action.js';
import type { Json, JsonObject } from '../../../src/domain/json.js';
import { actionContext, failureOf } from '../../../test/support/action-context.js';
import { describeWith } from '../../../test/support/parts.js';
import { noteSshd, startSshd, type Sshd } from '../../../test/support/sshd.js';
import { until } from '../../../test/support/until.js';
import { sshRun } from './ssh-run.js';

noteSshd();
let sshd: Sshd;
let dir: string;

function call(
  input: JsonObject,
  more: { target?: Partial<Target>; signal?: AbortSignal; output?: (stream: OutputStream, chunk: Buffer) => void } = {},
): Promise<Json> {
  const { target, ...world } = more;
  return sshRun.execute(
    sshRun.input.parse({ host: 'web1', ...input }),
    actionContext({ secrets: { 'ssh/test': sshd.key }, targets: [{ ...sshd.target, ...target }], ...world }),
  );
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

describeWith('sshd')('ssh.run', () => {
  beforeAll(async () => {
    sshd = await startSshd();
    dir = await mkdtemp(path.join(tmpdir(), 'xyn-ssh-run-'));
  });
  afterAll(async () => {
    await sshd.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('gives every argument literally to the program', async () => {
    const words = [
      'a b',
      "it's",
      '"q"',
      '$HOME',
      '`id`',
      '$(id)',
      ';id',
      '|',
      '*',
      '\\',
      '',
      '-n',
      'ä\nb',
      '!x',
      '#c',
      '~',
    ];
    const output = await call({ argv: ['printf', '[%s]', ...words] });
    expect(output).toEqual({
      exit_code: 0,
      stdout: words.map((word) => `[${word}]`).join(''),
      stderr: '',
      truncated: false,
    });
  });

  it('runs scripts by the remote shell, with variables and input', async () => {
    const env = { NAME: "a'; touch /nowhere; '", OTHER: '$NAME' };
    const cmd = 'printf "%s|%s|" "$NAME" "$OTHER"; cat; echo oops >&2';
    expect(await call({ cmd, env, stdin: 'ü in' })).toMatchObject({
      stdout: "a'; touch /nowhere; '|$NAME|ü in",
      stderr: 'oops\n',
    });
    expect(await call({ script: 'echo alias' })).toMatchObject({ stdout: 'alias\n' });
  });

  it.each([
    ['false', 1],
    ['echo why >&2; exit 7', 7],
    ['...', 127],
  ])('fails exit_nonzero after %s', async (cmd, status) => {
    const facts = await failureOf(call({ cmd }));
    expect(facts).toMatchObject({ code: 'exit_nonzero', status, retryable: false });
    expect(facts.excerpt).not.toContain('xyn-group');
    if (status === 7) expect(facts.excerpt).toBe('why');
  });

  it('accepts the codes of accept, and counts signals as shells do', async () => {
    expect(await call({ cmd: 'exit 3', accept: [0, 3] })).toMatchObject({ exit_code: 3 });
    expect(await failureOf(call({ cmd: 'kill -9 $$' }))).toMatchObject({ code: 'exit_nonzero', status: 137 });
  });

  it('cuts what is too long, and streams all of it', async () => {
    let streamed = 0;
    const output = await call(
      { cmd: 'for i in $(seq 1000); do printf "ääääääääää"; done', max_bytes: 5_001 },
      { output: (stream, chunk) => (streamed += stream === 'stdout' ? chunk.length : 0) },
    );
    expect(output).toMatchObject({ truncated: true, stdout: 'ä'.repeat(2_500) });
    expect(streamed).toBe(20_000);
  });

  it('streams while the command runs', async () => {
    const control = new AbortController();
    let text = '';
    const running = call(
      { cmd: 'echo first; sleep 60' },
      { signal: control.signal, output: (_stream, chunk) => (text += chunk.toString()) },
    );
    running.catch(() => undefined);
    await until('the first line', () => text === 'first\n');
    control.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  it.each([
    ['that listens', 'echo $$ > PID; sleep 60'],
    ['that does not listen', 'trap "" TERM; echo $$ > PID; while :; do sleep 60; done'],
    ['with children', '(sleep 61 & echo $! > PID; wait)'],
  ])('ends the remote process %s when it is aborted', async (_name, script) => {
    const file = path.join(dir, `pid-${Math.random()}`);
    const control = new AbortController();
    const running = call({ cmd: script.replace('PID', file) }, { signal: control.signal });
    running.catch(() => undefined);
    const pid = await until('the process runs', async () => {
      const said = existsSync(file) ? await readFile(file, 'utf8') : '';
      return said.endsWith('\n') && isAlive(Number(said)) && Number(said);
    });
    control.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    await until('the process has ended', () => !isAlive(pid));
  });

  it('takes a fingerprint as a pinned key', async () => {
    expect(await call({ cmd: 'true' }, { target: { hostKey: sshd.fingerprint } })).toMatchObject({ exit_code: 0 });
  });

  it.each(['otherHostKey', 'wrong fingerprint', 'other kind'])('sends nothing to a server with %s', async (which) => {
    const pins: Record<string, string> = {
      otherHostKey: sshd.otherHostKey,
      'wrong fingerprint': `SHA256:${'A'.repeat(43)}`,
      'other kind': `ecdsa-sha2-nistp256 ${sshd.otherHostKey.split(' ')[1]}`,
    };
    const file = path.join(dir, 'never');
    const authenticated = (): number => sshd.log().split('Accepted publickey').length;
    const before = authenticated();
    const facts = await failureOf(call({ cmd: `touch ${file}` }, { target: { hostKey: pins[which] ?? '' } }));
    expect(facts).toMatchObject({ code: 'host_key_mismatch', retryable: false });
    expect(existsSync(file)).toBe(false);
    expect(authenticated()).toBe(before);
  });

  it('tells what is wrong with target, key and connection apart', async () => {
    expect(await failureOf(call({ host: 'other', cmd: 'true' }))).toMatchObject({ code: 'target_unknown' });
    expect(await failureOf(call({ cmd: 'true', key: { secret: 'ssh/none' } }))).toMatchObject({
      code: 'secret_not_found',
    });
    expect(await failureOf(call({ cmd: 'true' }, { target: { user: 'nobody-here' } }))).toMatchObject({
      code: 'auth_failed',
    });
    const facts = await failureOf(call({ cmd: 'true' }, { target: { port: 1 } }));
    expect(facts).toMatchObject({ code: 'connect_failed', retryable: true });
    const { key: _key, ...keyless } = sshd.target;
    const context = actionContext({ targets: [keyless] });
    expect(await failureOf(sshRun.execute(sshRun.input.parse({ host: 'web1', cmd: 'true' }), context))).toMatchObject({
      code: 'auth_failed',
    });
    const bad = actionContext({ targets: [sshd.target], secrets: { 'ssh/test': 'no key at all' } });
    const unreadable = await failureOf(sshRun.execute(sshRun.input.parse({ host: 'web1', cmd: 'true' }), bad));
    expect(unreadable.code).toBe('auth_failed');
    expect(unreadable.message).not.toContain('no key at all');
  });

  it('does not know the outcome when the connection breaks while the command runs', async () => {
    const sockets: Socket[] = [];
    const proxy: Server = createServer((socket) => {
      const upstream = connect(sshd.target.port, '127.0.0.1');
      for (const end of [socket, upstream]) end.on('error', () => undefined);
      socket.pipe(upstream).pipe(socket);
      sockets.push(socket, upstream);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    let text = '';
    const running = call(
      { cmd: 'echo on; sleep 3' },
      {
        target: { port: (proxy.address() as AddressInfo).port },
        output: (_stream, chunk) => (text += chunk.toString()),
      },
    );
    const failed = failureOf(running);
    await until('the command runs', () => text === 'on\n');
    for (const socket of sockets) socket.resetAndDestroy();
    expect(await failed).toMatchObject({ code: 'outcome_unknown', retryable: false });
    await new Promise((resolve) => proxy.close(resolve));
  });

  it('wants exactly one command and harmless names of variables', () => {
    const accepts = (input: JsonObject): boolean => sshRun.input.safeParse({ host: 'web1', ...input }).success;
    expect(accepts({})).toBe(false);
    expect(accepts({ argv: [] })).toBe(false);
    expect(accepts({ argv: ['a'], cmd: 'b' })).toBe(false);
    expect(accepts({ cmd: 'b', script: 'b' })).toBe(false);
    expect(accepts({ argv: ['a\0b'] })).toBe(false);
    expect(accepts({ cmd: 'b', env: { 'A;id': 'x' } })).toBe(false);
    expect(accepts({ cmd: 'b', env: { A_1: 'x' } })).toBe(true);
  });
});
