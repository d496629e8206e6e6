import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeBaseImage } from './base-image.js';
import type { DockerDaemon } from './docker.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Builds the image of this checkout by its Dockerfile, on a base that is made here; about two minutes. */
export async function buildXynImage(daemon: DockerDaemon, name: string): Promise<void> {
  const bridge = createRequire(import.meta.url).resolve('@temporalio/core-bridge/package.json');
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const native = path.join(path.dirname(bridge), `releases/${arch}-unknown-linux-gnu/index.node`);
  await makeBaseImage(daemon, 'base:1', [native]);
  const registry = (await run('npm', ['config', 'get', 'registry'], { cwd: root })).stdout.trim();
  const args = ['--build-arg', 'BASE=base:1', '--build-arg', `NPM_CONFIG_REGISTRY=${registry}`];
  await daemon.docker('build', '--network=host', `--tag=${name}`, ...args, root);
}
