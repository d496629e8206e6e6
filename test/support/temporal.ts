import { afterAll } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTemporalBinary } from '../../src/servers/temporal-binary.js';
import { startTemporal } from '../../src/servers/temporal.js';

let server: Promise<{ address: string; stop(): Promise<void> }> | undefined;

/** A Temporal server for tests: that of `XYN_TEST_TEMPORAL_ADDRESS`, else one that ends with the test file. */
export async function testTemporal(): Promise<{ address: string }> {
  const address = process.env['XYN_TEST_TEMPORAL_ADDRESS'];
  if (address) return { address };
  server ??= ownServer();
  return { address: (await server).address };
}

async function ownServer(): Promise<{ address: string; stop(): Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-test-temporal-'));
  const goModule = fileURLToPath(new URL('../../tools/temporal-cli', import.meta.url));
  const binary = await findTemporalBinary({ stateDir: dir, env: process.env, goModule });
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const started = await startTemporal({ dir, binary, log: silent });
  return {
    address: started.address,
    async stop() {
      await started.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

afterAll(async () => {
  await (await server)?.stop();
});
