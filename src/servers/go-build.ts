import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { withProgress, type OnProgress } from './reporting.js';

const run = promisify(execFile);

/** The CLI's own module asks for this or newer. */
const minimum = { major: 1, minor: 26 };
const buildMs = 20 * 60_000;

/** What is built where. */
export interface GoBuild {
  /** Absolute path of the program to write. */
  target: string;
  /** Folder of the module that pins the CLI. */
  module: string;
  /** Handed to Go, which reads its proxy, cache and toolchain settings there. */
  env: NodeJS.ProcessEnv;
  onProgress: OnProgress;
}

/**
 * Builds the Temporal CLI with the Go toolchain on PATH.
 * @throws Error saying in one line why it cannot be built.
 */
export async function buildWithGo({ target, module, env, onProgress }: GoBuild): Promise<void> {
  await access(path.join(module, 'go.mod')).catch(() => {
    throw new Error(`its module is missing at ${module}`);
  });
  await requireGo(env);
  // No stamp of the checkout: it is not ours to read where another user owns it. No symbols: a third of the size.
  const args = ['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', target];
  const build = async (): Promise<void> => {
    try {
      const options = { cwd: module, env, timeout: buildMs, maxBuffer: 16 * 1024 * 1024 };
      await run('go', [...args, 'github.com/temporalio/cli/cmd/temporal'], options);
    } catch (error) {
      const said = (error as { stderr?: string }).stderr || (error as Error).message;
      throw new Error(said.trim().split('\n').slice(-3).join(' | '), { cause: error });
    }
  };
  await withProgress(onProgress, 'building the Temporal server with Go, about 4 minutes', build);
}

async function requireGo(env: NodeJS.ProcessEnv): Promise<void> {
  const stdout = await run('go', ['version'], { env, cwd: '/', timeout: 30_000 }).then(
    (result) => result.stdout,
    (error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(code === 'ENOENT' ? 'no `go` on PATH' : `\`go version\` fails: ${message}`);
    },
  );
  const [, major, minor] = /go version go(\d+)\.(\d+)/.exec(stdout) ?? [];
  const newEnough =
    Number(major) > minimum.major || (Number(major) === minimum.major && Number(minor) >= minimum.minor);
  if (!newEnough) {
    throw new Error(`Go ${minimum.major}.${minimum.minor} or newer is needed, found: ${stdout.trim() || 'nothing'}`);
  }
}
