import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { takeLock } from '../../src/servers/lock-file.js';

const run = promisify(execFile);
const BUILD_MS = 20 * 60_000;
const GO = ['/usr/local/go/bin', '/usr/lib/go/bin'];
/** Where Go is found, also past the usual path. */
const env = { ...process.env, PATH: [process.env['PATH'], ...GO].join(':') };

/** Whether there is Go, which builds servers that no registry gives. */
export async function hasGo(): Promise<boolean> {
  return run('go', ['version'], { env, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/** Programs that are built from a Go module which pins them. */
interface GoServer {
  /** Folder of the module beside this file; its tools are built. */
  module: string;
  /** What is said before a build. */
  notice: string;
  /** A folder that comes along, from the sources of a package of the module, under a name of its own. */
  files: { package: string; folder: string; name: string };
}

/** Folder with the programs and `files`; built once per version and kept in the cache folder of this user. */
export async function builtServer({ module, notice, files }: GoServer): Promise<string> {
  const cwd = fileURLToPath(new URL(`servers/${module}`, import.meta.url));
  const { stdout: goVersion } = await run('go', ['version'], { env, cwd: '/' });
  const pinned = await Promise.all(['go.mod', 'go.sum'].map((name) => readFile(path.join(cwd, name))));
  const key = createHash('sha256')
    .update(Buffer.concat([...pinned, Buffer.from(goVersion)]))
    .digest('hex');
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  const folder = path.join(cache, 'xyn', 'servers');
  const ready = path.join(folder, key.slice(0, 16));
  await mkdir(folder, { recursive: true });
  const lock = await takeLock(path.join(folder, 'build.lock'), { waitMs: BUILD_MS, purpose: notice });
  try {
    if (existsSync(ready)) return ready;
    process.stderr.write(`${notice}\n`);
    const next = path.join(folder, `next-${randomUUID()}`);
    const flags = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', CGO_ENABLED: '0', GOBIN: next };
    const options = { cwd, env: { ...env, ...flags }, timeout: BUILD_MS, maxBuffer: 16 * 1_048_576 };
    await run('go', ['install', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', 'tool'], options);
    const { stdout } = await run('go', ['list', '-m', '-f', '{{.Dir}}', files.package], options);
    await cp(path.join(stdout.trim(), files.folder), path.join(next, files.name), { recursive: true });
    await rename(next, ready);
    return ready;
  } finally {
    await lock.release();
  }
}
