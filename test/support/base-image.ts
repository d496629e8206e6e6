import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { DockerDaemon } from './docker.js';

const run = promisify(execFile);
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Paths of the shared libraries that programs need, by the loader's own word. */
async function librariesOf(programs: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(programs.map((program) => run('ldd', [program])));
  return [...new Set(lists.flatMap(({ stdout }) => stdout.match(/\/\S+/g) ?? []))];
}

/** Puts a file or folder of this machine into a root file system. */
async function place(root: string, file: string, to = file): Promise<void> {
  await mkdir(path.dirname(path.join(root, to)), { recursive: true });
  await cp(await realpath(file), path.join(root, to), { recursive: true });
}

/** Puts a program into a root file system, with the shared libraries that it needs. */
export async function placeProgram(root: string, file: string, to: string): Promise<void> {
  await place(root, file, to);
  // A static one has none, which `ldd` calls an error.
  for (const library of await librariesOf([file]).catch(() => [])) await place(root, library);
}

/** Makes a root file system with BusyBox, some of its applets, and what trusts this machine's certificates. */
export async function emptyRoot(root: string, applets: readonly string[]): Promise<void> {
  for (const folder of ['bin', 'etc', 'tmp', 'usr/bin', 'usr/local/bin', 'var/lib'])
    await mkdir(path.join(root, folder), { recursive: true });
  await chmod(path.join(root, 'tmp'), 0o1777);
  await place(root, '/bin/busybox');
  for (const applet of applets) await symlink('busybox', path.join(root, 'bin', applet));
  if (existsSync(CERTIFICATES)) await place(root, CERTIFICATES);
  await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
}

/**
 * Makes the image that `FROM` of the Dockerfile stands on where no registry can be reached: this machine's Node.js and npm
 * with their libraries, and BusyBox as shell.
 * @param natives further programs and modules whose libraries belong into it.
 */
export async function makeBaseImage(daemon: DockerDaemon, name: string, natives: readonly string[]): Promise<void> {
  const base = await mkdtemp(path.join(tmpdir(), 'xyn-base-'));
  try {
    await emptyRoot(base, ['sh', 'mkdir', 'rm', 'cat']);
    await place(base, process.execPath, 'usr/local/bin/node');
    for (const library of await librariesOf([process.execPath, ...natives])) await place(base, library);
    const { stdout: modules } = await run('npm', ['root', '--global']);
    await place(base, path.join(modules.trim(), 'npm'), 'usr/local/lib/node_modules/npm');
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', path.join(base, 'usr/local/bin/npm'));
    await symlink('/bin/busybox', path.join(base, 'usr/bin/env'));
    // What this machine trusts, which may be more than Node.js brings.
    await daemon.import(base, name, [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`]);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
