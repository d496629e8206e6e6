import { randomUUID } from 'node:crypto';
import { access, constants, chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { XynFault } from '../domain/fault.js';
import { buildWithGo } from './go-build.js';
import { takeLock } from './lock-file.js';
import { silent, withProgress, type OnProgress } from './reporting.js';
import { downloadWithSdk } from './sdk-download.js';

const run = promisify(execFile);

/** Version of the Temporal CLI that is downloaded or built; `tools/temporal-cli/go.mod` pins the same. */
export const temporalCliVersion = '1.8.2';

/** A server program that answered. */
export interface TemporalBinary {
  path: string;
  /** Version of the server inside, e.g. `1.31.2`; the database file is named after it. */
  serverVersion: string;
  /** Where it came from. */
  source: 'path' | 'state' | 'cache' | 'sdk' | 'go';
}

/** Puts a program at `target`, or throws an Error that says in one line why not. */
export type ObtainBinary = (target: string) => Promise<void>;

/** Where to look and what may be done. */
export interface FindTemporalOptions {
  /** `<stateDir>/bin/temporal` is looked at; used for a new program when the cache folder cannot be written. */
  stateDir: string;
  /** Environment of this process; read: `PATH`, `HOME`, `XDG_CACHE_HOME`, and by Go its own. */
  env: NodeJS.ProcessEnv;
  /** Go module with the pinned CLI: `tools/temporal-cli` of the package. */
  goModule: string;
  onProgress?: OnProgress;
  /** Only looks: neither downloads nor builds. Default false. */
  onlyInstalled?: boolean;
  /** Replaces the SDK's download, for tests. */
  download?: ObtainBinary;
}

/** Longer than a build on a slow machine. */
const lockWaitMs = 20 * 60_000;

/**
 * Finds or gets the Temporal server program: `temporal` on PATH, `<stateDir>/bin`, the cache folder, the SDK's own
 * download, a build with Go. What is got is kept in the user's cache folder by version, for every checkout; several
 * processes that ask at once get it once.
 * @throws XynFault `server_missing` naming the four ways and why each one failed; `already_running` when another process
 * has been getting it for 20 minutes.
 */
export async function findTemporalBinary(options: FindTemporalOptions): Promise<TemporalBinary> {
  const refused: string[] = [];
  const installed = await findInstalled(options, refused);
  if (installed) return installed;
  if (options.onlyInstalled) throw missing([...refused, 'downloads and builds were not allowed here']);
  const folder = await writableFolder(options);
  const lock = await takeLock(path.join(folder, 'get.lock'), {
    waitMs: lockWaitMs,
    purpose: 'getting the Temporal server',
    onWait: (pid) =>
      options.onProgress?.({ message: `waiting for process ${pid}, which gets the Temporal server`, elapsedMs: 0 }),
  });
  try {
    const meanwhile = await inspect(path.join(folder, 'temporal'), 'cache');
    return meanwhile.binary ?? (await obtain(options, folder, refused));
  } finally {
    await lock.release();
  }
}

/** The cache folder of this user for one version of the CLI; `undefined` where there is no home. */
export function temporalCacheFolder(env: NodeJS.ProcessEnv): string | undefined {
  const xdg = env['XDG_CACHE_HOME'];
  const base = xdg && path.isAbsolute(xdg) ? xdg : env['HOME'] && path.join(env['HOME'], '.cache');
  return base ? path.join(base, 'xyn', 'temporal-cli', temporalCliVersion) : undefined;
}

async function findInstalled(options: FindTemporalOptions, refused: string[]): Promise<TemporalBinary | undefined> {
  const cache = temporalCacheFolder(options.env);
  const candidates: [string, TemporalBinary['source']][] = [
    ...pathFolders(options.env).map((folder): [string, 'path'] => [path.join(folder, 'temporal'), 'path']),
    [path.resolve(options.stateDir, 'bin', 'temporal'), 'state'],
    ...(cache ? [[path.join(cache, 'temporal'), 'cache'] as [string, 'cache']] : []),
  ];
  for (const [file, source] of candidates) {
    const { binary, reason } = await inspect(file, source);
    if (binary) return binary;
    if (reason) refused.push(`${file} ${reason}`);
  }
  return undefined;
}

/** Relative entries of PATH are passed over: what they mean depends on where the command is typed. */
function pathFolders(env: NodeJS.ProcessEnv): string[] {
  return (env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
}

async function inspect(
  file: string,
  source: TemporalBinary['source'],
): Promise<{ binary?: TemporalBinary; reason?: string }> {
  try {
    await access(file, constants.X_OK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? { reason: 'is not executable' } : {};
  }
  try {
    // Without an environment: a profile or an address of another cluster must not matter here.
    const { stdout } = await run(file, ['--version'], { timeout: 10_000, env: { PATH: '/usr/bin:/bin' } });
    const serverVersion = /\(server\s+v?(\d[\w.+-]*)/i.exec(stdout)?.[1];
    return serverVersion ? { binary: { path: file, serverVersion, source } } : { reason: 'is not the Temporal CLI' };
  } catch {
    return { reason: 'does not answer `--version`' };
  }
}

async function obtain(options: FindTemporalOptions, folder: string, refused: string[]): Promise<TemporalBinary> {
  const onProgress = options.onProgress ?? silent;
  const download = options.download ?? ((target) => downloadWithSdk(target, temporalCliVersion, options.env));
  const build: ObtainBinary = (target) =>
    buildWithGo({ target, module: options.goModule, env: options.env, onProgress });
  const ways = [
    { source: 'sdk', label: 'the download by the Temporal SDK', get: withMessage(download) },
    { source: 'go', label: 'the build with Go', get: build },
  ] as const;
  function withMessage(get: ObtainBinary): ObtainBinary {
    return (target) => withProgress(onProgress, 'downloading the Temporal server', () => get(target));
  }
  await removeLeftovers(folder);
  for (const { source, label, get } of ways) {
    const next = path.join(folder, `temporal-${randomUUID()}`);
    try {
      await get(next);
      await chmod(next, 0o755);
      const { binary, reason } = await inspect(next, source);
      if (!binary) throw new Error(`the program ${reason ?? 'is not there'}`);
      await rename(next, path.join(folder, 'temporal'));
      return { ...binary, path: path.join(folder, 'temporal') };
    } catch (error) {
      refused.push(`${label}: ${(error as Error).message}`);
    } finally {
      await rm(next, { force: true });
    }
  }
  throw missing(refused);
}

/** What a killed predecessor left half made; we hold the lock. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^(temporal|download)-/.test(name)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

async function writableFolder(options: FindTemporalOptions): Promise<string> {
  const cache = temporalCacheFolder(options.env);
  const own = path.resolve(options.stateDir, 'bin');
  for (const folder of cache ? [cache, own] : [own]) {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
      return folder;
    } catch {
      // The next one.
    }
  }
  throw missing([`neither ${cache ?? 'a cache folder'} nor ${own} can be written`]);
}

function missing(reasons: string[]): XynFault {
  const message = [
    'There is no Temporal server. One of four ways makes one:',
    '1. set TEMPORAL_ADDRESS to a server that runs elsewhere;',
    '2. put a `temporal` program (the Temporal CLI) on PATH or into the folder `bin` of the state folder;',
    `3. let the Temporal SDK download version ${temporalCliVersion} (needs the network);`,
    '4. install Go 1.26 or newer, and Xyn builds it once (about four minutes).',
    ...(reasons.length > 0 ? ['What was tried:', ...reasons.map((reason) => `- ${reason}`)] : []),
  ].join('\n');
  return new XynFault('server_missing', message, { details: { tried: reasons } });
}
