import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { OutputStream } from '../../../src/domain/action.js';
import type { Json, JsonObject } from '../../../src/domain/json.js';
import { actionContext, failureOf } from '../../../test/support/action-context.js';
import { selfSigned } from '../../../test/support/certificate.js';
import { BUSYBOX, noteDocker, startDocker, type DockerDaemon } from '../../../test/support/docker.js';
import { freePort } from '../../../test/support/free-port.js';
import { describeWith } from '../../../test/support/parts.js';
import { until } from '../../../test/support/until.js';
import { containerExec } from './container-exec.js';

noteDocker();
let daemon: DockerDaemon;
let dir: string;
let tlsPort: number;
/** Signed by itself, so it is authority, server and client at once. */
const own = selfSigned('localhost');
const SHOP = 'shop';

interface More {
  signal?: AbortSignal;
  output?: (stream: OutputStream, chunk: Buffer) => void;
  address?: string;
}

function call(input: JsonObject, { address, ...more }: More = {}): Promise<Json> {
  const containers = { engine: { address: address ?? daemon.address }, images: ['busybox:*', '127.0.0.1:*/*'] };
  return containerExec.execute(containerExec.input.parse(input), actionContext({ containers, ...more }));
}

/** The two ways in which a command gets into a container. */
const WAYS: [string, JsonObject][] = [
  ['a running container', { container: SHOP }],
  ['a throw-away container', { image: BUSYBOX }],
];
const left = (): Promise<string> => daemon.docker('ps', '--all', '--quiet', '--filter', 'label=xyn.run_id');
/** Commands that run in the container, its own first process aside; what has ended and waits for its parent is not one. */
async function commandsIn(container: string): Promise<string[]> {
  const lines = (await daemon.docker('top', container, '-o', 'pid,stat,args')).split('\n').slice(1);
  return lines.map((line) => line.trim().replace(/^\d+ +/, '')).filter((line) => !/^Z|sleep 100000/.test(line));
}

describeWith('docker')('container.exec', () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'xyn-container-exec-'));
    const [cert, key] = [path.join(dir, 'cert.pem'), path.join(dir, 'key.pem')];
    await writeFile(cert, own.cert);
    await writeFile(key, own.key);
    tlsPort = await freePort();
    const tls = ['--tlsverify', `--tlscacert=${cert}`, `--tlscert=${cert}`, `--tlskey=${key}`];
    daemon = await startDocker(['--host', `tcp://127.0.0.1:${tlsPort}`, ...tls]);
    await daemon.docker('run', '--detach', '--network=none', '--name', SHOP, BUSYBOX, '/bin/sleep', '100000');
  });
  afterAll(async () => {
    await daemon.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it.each(WAYS)('gives every argument literally to the program, in %s', async (_way, where) => {
    const words = ['a b', "it's", '"q"', '$HOME', '$(id)', ';id', '*', '\\', '', '-n', 'ä\nb', '~'];
    expect(await call({ ...where, argv: ['printf', '[%s]', ...words] })).toEqual({
      exit_code: 0,
      stdout: words.map((word) => `[${word}]`).join(''),
      stderr: '',
      truncated: false,
    });
    await until('nothing is left', async () => (await left()) === '');
  });

  it.each(WAYS)('runs scripts with variables and input, in %s', async (_way, where) => {
    const env = { NAME: "a'; touch /nowhere; '", OTHER: '$NAME' };
    const cmd = 'printf "%s|%s|" "$NAME" "$OTHER"; cat; echo oops >&2';
    expect(await call({ ...where, cmd, env, stdin: 'ü in' })).toMatchObject({
      stdout: "a'; touch /nowhere; '|$NAME|ü in",
      stderr: 'oops\n',
    });
    const long = 'x'.repeat(1_000_000);
    expect(await call({ ...where, cmd: 'cat', stdin: long })).toMatchObject({ stdout: long });
  });

  it.each(WAYS)('fails on exit codes that accept does not name, in %s', async (_way, where) => {
    expect(await failureOf(call({ ...where, cmd: 'echo why >&2; exit 7' }))).toMatchObject({
      code: 'exit_nonzero',
      status: 7,
      retryable: false,
      excerpt: 'why',
    });
    expect(await call({ ...where, cmd: 'exit 3', accept: [0, 3] })).toMatchObject({ exit_code: 3 });
    expect(await failureOf(call({ ...where, argv: ['no-such-program'] }))).toMatchObject({ status: 127 });
  });

  it.each(WAYS)('cuts what is too long, and streams all of it, in %s', async (_way, where) => {
    let streamed = 0;
    const output = await call(
      { ...where, cmd: 'for i in $(seq 1000); do printf "ääääääääää"; done', max_bytes: 5_001 },
      { output: (stream, chunk) => (streamed += stream === 'stdout' ? chunk.length : 0) },
    );
    expect(output).toMatchObject({ truncated: true, stdout: 'ä'.repeat(2_500) });
    expect(streamed).toBe(20_000);
  });

  const STUBBORN = [
    ['that listens', 'echo on; sleep 60'],
    ['that does not listen', 'trap "" TERM; echo on; while :; do sleep 60; done'],
    ['with children', '(sleep 61 & echo on; wait)'],
  ] as const;
  it.each(STUBBORN)('ends a command %s in a running container when it is aborted', async (_name, cmd) => {
    const control = new AbortController();
    let text = '';
    const running = call(
      { container: SHOP, cmd },
      { signal: control.signal, output: (_, chunk) => (text += chunk.toString()) },
    );
    running.catch(() => undefined);
    await until('the command runs', () => text === 'on\n');
    expect((await commandsIn(SHOP)).length).toBeGreaterThan(0);
    control.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    await until('nothing of it runs', async () => (await commandsIn(SHOP)).length === 0);
  });

  it.each(STUBBORN)('ends a command %s in a throw-away container when it is aborted', async (_name, cmd) => {
    const control = new AbortController();
    let text = '';
    const running = call(
      { image: BUSYBOX, cmd },
      { signal: control.signal, output: (_, chunk) => (text += chunk.toString()) },
    );
    running.catch(() => undefined);
    await until('the command runs', () => text === 'on\n');
    expect(await left()).not.toBe('');
    control.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    await until('nothing is left', async () => (await left()) === '');
  });

  it('shuts a throw-away container in', async () => {
    const cmd = [
      'touch /file 2>/dev/null && echo root is writable',
      'touch /tmp/file || echo no place for files',
      'grep -E "^Cap(Prm|Eff|Bnd):.*[1-9a-f]" /proc/self/status && echo has capabilities',
      'grep NoNewPrivs /proc/self/status',
      'test -e /var/run/docker.sock && echo sees the engine',
      'grep -v lo: /proc/net/dev | tail -n +3',
      'exit 0',
    ].join('; ');
    expect(await call({ image: BUSYBOX, cmd })).toMatchObject({ stdout: 'NoNewPrivs:\t1\n', stderr: '' });
  });

  it('holds it to its limits of memory and processes', async () => {
    const eat = await failureOf(
      call({ image: BUSYBOX, cmd: 'dd if=/dev/zero of=/dev/null bs=200M count=1', memory_mb: 16 }),
    );
    expect(eat).toMatchObject({ code: 'exit_nonzero', status: 137 });
    expect(eat.message).toContain('memory_mb');
    const bomb = await failureOf(call({ image: BUSYBOX, cmd: 'for i in $(seq 400); do sleep 5 & done' }));
    expect(bomb.excerpt).toContain("can't fork");
  });

  it('marks it with run, step and attempt', async () => {
    const control = new AbortController();
    await until('those of others are gone', async () => (await left()) === '');
    const running = call({ image: BUSYBOX, argv: ['sleep', '60'] }, { signal: control.signal });
    running.catch(() => undefined);
    const id = await until('the container runs', async () => (await left()) || undefined);
    const facts = JSON.parse(await daemon.docker('inspect', id)) as [
      { Config: { Labels: object }; HostConfig: object },
    ];
    expect(facts[0].Config.Labels).toEqual({ 'xyn.run_id': 'r1', 'xyn.step': 'step', 'xyn.attempt': '1' });
    expect(facts[0].HostConfig).toMatchObject({
      Binds: null,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      NetworkMode: 'none',
      Memory: 512 * 1_048_576,
      NanoCpus: 1_000_000_000,
      AutoRemove: true,
      Privileged: false,
      LogConfig: { Type: 'none' },
    });
    control.abort();
    await running.catch(() => undefined);
  });

  it('tells what is wrong with image, container, target and engine apart', async () => {
    const code = async (input: JsonObject, more: More = {}) =>
      (await failureOf(call({ cmd: 'true', ...input }, more))).code;
    expect(await code({ image: 'other:1' })).toBe('image_denied');
    expect(await code({ container: 'nobody' })).toBe('container_unknown');
    expect(await code({ container: SHOP, host: 'nowhere' })).toBe('target_unknown');
    expect(await code({ image: '127.0.0.1:9/none:1' })).toBe('engine_unavailable');
    expect(await code({ container: SHOP }, { address: 'unix:///nowhere.sock' })).toBe('engine_unavailable');
    await daemon.docker('create', '--name', 'stopped', BUSYBOX, '/bin/true');
    expect(await code({ container: 'stopped' })).toBe('container_unknown');
  });

  it('reaches an engine over TLS, which knows us and we it', async () => {
    const engine = { address: `tcp://localhost:${tlsPort}`, ca: own.cert, cert: own.cert, key: 'docker/test' };
    const target = { name: 'web1', address: 'a', port: 22, user: 'ops', hostKey: '', labels: {} };
    const runs = (over: object): Promise<Json> => {
      const world = { targets: [{ ...target, engine: { ...engine, ...over } }], secrets: { 'docker/test': own.key } };
      return containerExec.execute(
        containerExec.input.parse({ host: 'web1', container: SHOP, argv: ['echo', 'hi'] }),
        actionContext(world),
      );
    };
    expect(await runs({})).toMatchObject({ stdout: 'hi\n' });
    const other = selfSigned('localhost');
    expect(await failureOf(runs({ ca: other.cert }))).toMatchObject({ code: 'engine_unavailable' });
    expect(await failureOf(runs({ cert: other.cert }))).toMatchObject({ code: 'engine_unavailable' });
  });

  it('does not listen to the settings of another client', async () => {
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1';
    try {
      expect(await call({ container: SHOP, argv: ['true'] })).toMatchObject({ exit_code: 0 });
    } finally {
      delete process.env['DOCKER_HOST'];
    }
  });

  it('wants one command and one container, by a name', () => {
    const accepts = (input: JsonObject): boolean => containerExec.input.safeParse({ cmd: 'a', ...input }).success;
    expect(accepts({ container: SHOP })).toBe(true);
    expect(accepts({ image: 'registry.example:5000/ops/tool@sha256:00' })).toBe(true);
    expect(accepts({})).toBe(false);
    expect(accepts({ container: SHOP, image: BUSYBOX })).toBe(false);
    expect(accepts({ container: '../../images' })).toBe(false);
    expect(accepts({ image: '-v /:/host' })).toBe(false);
    expect(accepts({ container: SHOP, argv: ['a'] })).toBe(false);
    expect(accepts({ image: BUSYBOX, memory_mb: 5 })).toBe(false);
  });
});
