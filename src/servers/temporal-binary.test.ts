import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  findTemporalBinary,
  temporalCacheFolder,
  temporalCliVersion,
  type FindTemporalOptions,
} from './temporal-binary.js';

let dir: string;
let options: FindTemporalOptions;

const goModule = fileURLToPath(new URL('../../tools/temporal-cli', import.meta.url));
const answering = (version: string): string =>
  `#!/bin/sh\necho "temporal version 1.2.3 (Server ${version}, UI 2.0.0)"\n`;
const unavailable = async (): Promise<void> => {
  throw new Error('no network here');
};

async function program(file: string, text: string, mode = 0o755): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

/** A `go` that counts its builds and writes a program that answers. */
async function fakeGo(version = 'go1.26.8', build = 'cp "$GO_RESULT" "$out"'): Promise<void> {
  await program(path.join(dir, 'result'), answering('1.31.2'));
  const script = [
    '#!/bin/sh',
    `if [ "$1" = version ]; then echo "go version ${version} linux/amd64"; exit 0; fi`,
    'echo "$@" >> "$GO_CALLS"',
    'while [ $# -gt 0 ]; do if [ "$1" = -o ]; then out="$2"; fi; shift; done',
    build,
  ];
  await program(path.join(dir, 'go-bin', 'go'), `${script.join('\n')}\n`);
  options.env = {
    ...options.env,
    PATH: `${path.join(dir, 'go-bin')}:/usr/bin:/bin`,
    GO_CALLS: path.join(dir, 'calls'),
    GO_RESULT: path.join(dir, 'result'),
  };
}

const calls = async (): Promise<string[]> =>
  (await readFile(path.join(dir, 'calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'xyn-binary-'));
  const env = { PATH: path.join(dir, 'path'), HOME: path.join(dir, 'home') };
  options = { stateDir: path.join(dir, 'state'), env, goModule, download: unavailable };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('findTemporalBinary', () => {
  it('looks on PATH, then in the state folder, then in the cache', async () => {
    const cache = path.join(dir, 'home/.cache/xyn/temporal-cli', temporalCliVersion, 'temporal');
    await program(cache, answering('1.3.0'));
    expect(await findTemporalBinary(options)).toEqual({ path: cache, serverVersion: '1.3.0', source: 'cache' });
    const state = await program(path.join(dir, 'state/bin/temporal'), answering('1.2.0'));
    expect(await findTemporalBinary(options)).toEqual({ path: state, serverVersion: '1.2.0', source: 'state' });
    const onPath = await program(path.join(dir, 'path/temporal'), answering('1.1.0'));
    expect(await findTemporalBinary(options)).toEqual({ path: onPath, serverVersion: '1.1.0', source: 'path' });
  });

  it('passes over programs that do not run, do not answer, or are something else', async () => {
    const bad = { a: '#!/bin/sh\nexit 1\n', b: '#!/bin/sh\necho something else\n', c: answering('9.9.9') };
    for (const [name, text] of Object.entries(bad)) {
      await program(path.join(dir, name, 'temporal'), text, name === 'c' ? 0o644 : 0o755);
    }
    const good = await program(path.join(dir, 'd/temporal'), answering('1.1.0'));
    options.env['PATH'] = ['.', 'relative', ...['a', 'b', 'c', 'd'].map((name) => path.join(dir, name))].join(':');
    expect(await findTemporalBinary(options)).toMatchObject({ path: good });
    options.env['PATH'] = ['a', 'b', 'c'].map((name) => path.join(dir, name)).join(':');
    const tried = expect.arrayContaining([
      expect.stringContaining('a/temporal does not answer'),
      expect.stringContaining('b/temporal is not the Temporal CLI'),
      expect.stringContaining('c/temporal is not executable'),
    ]);
    await expect(findTemporalBinary({ ...options, onlyInstalled: true })).rejects.toMatchObject({ details: { tried } });
  });

  it('downloads before it builds, and keeps what it got', async () => {
    await fakeGo();
    const download = async (target: string): Promise<void> => writeFile(target, answering('1.30.0'));
    const found = await findTemporalBinary({ ...options, download });
    expect(found).toMatchObject({ serverVersion: '1.30.0', source: 'sdk' });
    expect(await calls()).toEqual([]);
    expect(await findTemporalBinary(options)).toMatchObject({ path: found.path, source: 'cache' });
  });

  it('builds once for many who ask, and says what it does', async () => {
    await fakeGo('go1.26.8', 'sleep 0.3; cp "$GO_RESULT" "$out"');
    const messages: string[] = [];
    const ask = { ...options, onProgress: ({ message }: { message: string }) => void messages.push(message) };
    const found = await Promise.all(Array.from({ length: 4 }, () => findTemporalBinary(ask)));
    const builds = await calls();
    expect(builds).toHaveLength(1);
    expect(builds[0]).toMatch(/^build -trimpath .*github\.com\/temporalio\/cli\/cmd\/temporal$/);
    expect(new Set(found.map((each) => each.path)).size).toBe(1);
    expect(found.map((each) => each.source).sort()).toEqual(['cache', 'cache', 'cache', 'go']);
    expect(messages).toEqual(expect.arrayContaining([expect.stringContaining('building the Temporal server')]));
    expect(messages).toEqual(expect.arrayContaining([expect.stringContaining(`waiting for process ${process.pid}`)]));
    expect(await readdir(path.dirname(found[0]?.path ?? ''))).toEqual(['temporal']);
  });

  it('leaves nothing behind when the build fails, and names the four ways', async () => {
    await fakeGo('go1.26.8', 'echo broken > "$out"; echo "cannot reach the proxy" >&2; exit 1');
    const fault = (await findTemporalBinary(options).catch((error: unknown) => error)) as Error;
    expect(fault).toMatchObject({ code: 'server_missing' });
    for (const part of [
      'TEMPORAL_ADDRESS',
      'on PATH',
      'SDK download',
      'Go 1.26',
      'no network here',
      'reach the proxy',
    ]) {
      expect(fault.message).toContain(part);
    }
    expect(await readdir(temporalCacheFolder(options.env) ?? '')).toEqual([]);
  });

  it.each([['go1.25.9'], ['go1.9'], ['devel']])('refuses to build with %s', async (version) => {
    await fakeGo(version);
    await expect(findTemporalBinary(options)).rejects.toThrow('Go 1.26 or newer is needed');
    expect(await calls()).toEqual([]);
  });

  it('uses the state folder where there is no home', async () => {
    await fakeGo();
    delete options.env['HOME'];
    expect(await findTemporalBinary(options)).toMatchObject({ path: path.join(dir, 'state/bin/temporal') });
  });

  it('pins the version that the Go module pins', async () => {
    const module = await readFile(path.join(goModule, 'go.mod'), 'utf8');
    expect(module).toContain(`github.com/temporalio/cli v${temporalCliVersion}\n`);
  });
});
