import { afterEach, beforeEach } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliActions } from '../../src/cli/actions.js';
import { runProgram } from '../../src/cli/program.js';
import { createApp } from '../../src/http/app.js';
import type { HttpServer } from '../../src/http/server.js';
import { startContractServer } from './api-contract.js';
import { fakeServices, type FakeWorld } from './fake-services.js';

/** `xynctl` in front of the real API over services that only note what they are asked; new for each test. */
export interface CliWorld {
  readonly world: FakeWorld;
  /** A folder with one document. */
  readonly dir: string;
  readonly file: string;
  /** Runs a command to its end, a minute after ten. */
  xynctl: (args: readonly string[], stdin?: string) => Promise<{ code: number; out: string; err: string }>;
}

/** @param document name and text of the file. */
export function cliWorld(document: { name: string; text: string }, actions: Partial<CliActions> = {}): CliWorld {
  let world: FakeWorld;
  let server: HttpServer;
  let dir: string;
  beforeEach(async () => {
    const fake = fakeServices();
    world = fake.world;
    const quiet = (): void => undefined;
    const log = { info: quiet, warn: quiet, error: quiet };
    server = await startContractServer(createApp(fake.services, { log, version: '1', allowedHosts: [] }));
    dir = await mkdtemp(join(tmpdir(), 'xynctl-'));
    await writeFile(join(dir, document.name), document.text);
  });
  afterEach(async () => {
    await server.close();
    await rm(dir, { recursive: true });
  });
  return {
    get world() {
      return world;
    },
    get dir() {
      return dir;
    },
    get file() {
      return join(dir, document.name);
    },
    async xynctl(args, stdin = '') {
      let out = '';
      let err = '';
      async function* input(): AsyncGenerator<string> {
        yield stdin;
      }
      const code = await runProgram([...args], { version: '1', ...actions } as CliActions, {
        env: { XYN_STATE_DIR: dir, XYN_URL: server.url },
        stdin: input(),
        stdout: { write: (text) => (out += text) },
        stderr: { write: (text) => (err += text) },
        clock: () => Date.parse('2026-11-21T10:01:00.000Z'),
      });
      return { code, out, err };
    },
  };
}
