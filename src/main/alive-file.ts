import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

/** Half a minute without a sign makes a container unhealthy (docker/healthcheck.mjs): three of these are missed by then. */
const PAUSE_MS = 10_000;

/**
 * Touches `run/worker-<host name>.alive` in the folder for state now and every ten seconds while `isWorking` says so: how
 * a process without a port shows that its event loop turns. A disk that is full is no reason to end.
 * @returns ends it and removes the file.
 */
export async function keepAliveFile(stateDir: string, isWorking: () => boolean): Promise<() => Promise<void>> {
  const file = path.join(stateDir, 'run', `worker-${hostname()}.alive`);
  const touch = (): Promise<void> => writeFile(file, `${process.pid}\n`).catch(() => undefined);
  await mkdir(path.dirname(file), { recursive: true });
  await touch();
  const timer = setInterval(() => isWorking() && void touch(), PAUSE_MS);
  return async () => {
    clearInterval(timer);
    await rm(file, { force: true });
  };
}
