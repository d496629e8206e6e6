import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
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

/**
 * Makes the image that `FROM` of the Dockerfile stands on where no registry can be reached: this machine's Node.js and npm
 * with their libraries, and BusyBox as shell.
 * @param natives further programs and modules whose libraries belong into it.
 */
export async function makeBaseImage(daemon: DockerDaemon, name: string, natives: readonly string[]): Promise<void> {
  const base = await mkdtemp(path.join(tmpdir(), 'xyn-base-'));
  const place = async (file: string, to = file): Promise<void> => {
    await mkdir(path.dirname(path.join(base, to)), { recursive: true });
    await cp(await realpath(file), path.join(base, to), { recursive: true });
  };
  try {
    for (const folder of ['bin', 'etc', 'tmp', 'usr/local/bin', 'var/lib'])
      await mkdir(path.join(base, folder), { recursive: true });
    await place(process.execPath, 'usr/local/bin/node');
    for (const library of await librariesOf([process.execPath, ...natives])) await place(library);
    const { stdout: modules } = await run('npm', ['root', '--global']);
    await place(path.join(modules.trim(), 'npm'), 'usr/local/lib/node_modules/npm');
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', path.join(base, 'usr/local/bin/npm'));
    await place('/bin/busybox', 'bin/busybox');
    await mkdir(path.join(base, 'usr/bin'), { recursive: true });
    for (const applet of ['sh', 'mkdir', 'rm', 'cat']) await symlink('busybox', path.join(base, 'bin', applet));
    await symlink('/bin/busybox', path.join(base, 'usr/bin/env'));
    if (existsSync(CERTIFICATES)) await place(CERTIFICATES);
    await writeFile(path.join(base, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    // What this machine trusts, which may be more than Node.js brings.
    await daemon.import(base, name, `NODE_EXTRA_CA_CERTS=${CERTIFICATES}`);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
