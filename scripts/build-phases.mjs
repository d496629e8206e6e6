// The phases of a build: Prisma client, TypeScript, assets of the screens, workflow bundle.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildAssets } from './build-assets.mjs';
import { withLock } from './build-lock.mjs';
import { fingerprints, readStamp, root, stalePhases, stampFile } from './fingerprint.mjs';

const dist = join(root, 'dist');
const require = createRequire(import.meta.url);

/** Runs a Node program in the repository; resolves to its exit code and all that it printed. */
export function runNode(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(output).toString() }));
  });
}

async function mustRun(args) {
  const { code, output } = await runNode(args);
  if (code !== 0) throw new Error(output.trim() || `node ${args.join(' ')} ended with exit code ${code}`);
}

// tsc leaves the output of a source that was deleted or renamed, and imports of it would go on working.
function removeLeftovers(folder) {
  for (const entry of readdirSync(join(dist, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const source = join(root, path.replace(/\.js(\.map)?$/, '.ts'));
    if (entry.isDirectory()) removeLeftovers(path);
    else if (/\.js(\.map)?$/.test(entry.name) && !existsSync(source)) rmSync(join(dist, path));
  }
}

async function compile() {
  // Without output files the incremental state of tsc is wrong: it would emit only what changed since.
  if (!existsSync(join(dist, 'src'))) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  await mustRun([
    require.resolve('typescript/bin/tsc'),
    '-p',
    'tsconfig.json',
    '--pretty',
    String(process.stderr.isTTY === true),
  ]);
  // What other phases put there has no source of that name.
  for (const { name } of readdirSync(dist, { withFileTypes: true })) {
    if (name !== 'assets' && existsSync(join(root, name)) && statSync(join(dist, name)).isDirectory())
      removeLeftovers(name);
  }
}

/**
 * Module scope runs again for every workflow (language and engine: about 4 ms of CPU a run); what is pure is loaded once for
 * all of them. Preloaded modules are frozen, so none of these may hold state.
 */
const PURE_MODULES = [
  '@noble/hashes/sha2.js',
  '@noble/hashes/legacy.js',
  '@noble/hashes/utils.js',
  join(dist, 'src', 'domain', 'expression', 'evaluate.js'),
  join(dist, 'src', 'domain', 'expression', 'render.js'),
  join(dist, 'src', 'domain', 'expression', 'reads.js'),
  join(dist, 'src', 'domain', 'engine', 'engine.js'),
  join(dist, 'workflows', 'promises-without-stacks.js'),
  join(dist, 'workflows', 'task-scopes.js'),
];

async function bundle() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const problems = [];
  const logger = new DefaultLogger('WARN', (entry) => problems.push(entry.message));
  try {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(dist, 'workflows', 'index.js'),
      preloadModules: PURE_MODULES,
      logger,
    });
    const file = join(dist, 'workflow-bundle.js');
    writeFileSync(`${file}.new`, code);
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new Error([...problems, error.message].join('\n'), { cause: error });
  }
}

const work = {
  prisma: { title: 'Prisma client', run: () => mustRun([join(root, 'scripts', 'generate-prisma.mjs')]) },
  tsc: { title: 'TypeScript', run: compile },
  assets: { title: 'assets of the screens', run: () => buildAssets(root, dist) },
  bundle: { title: 'workflow bundle', run: bundle },
};

/**
 * Runs the phases whose sources changed since their last success, with one line of progress each.
 * @param {{force?: boolean, only?: string[]}} options `force` runs all; `only` restricts to the named phases.
 */
export async function build({ force = false, only = Object.keys(work) } = {}) {
  mkdirSync(dist, { recursive: true });
  await withLock(join(dist, '.build.lock'), async () => {
    // Taken before the work: what is edited meanwhile counts as changed.
    const now = fingerprints();
    const stale = force ? Object.keys(work) : stalePhases(now);
    for (const name of stale.filter((phase) => only.includes(phase))) {
      const began = Date.now();
      const seconds = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
      try {
        await work[name].run();
      } catch (error) {
        console.error(`build: ${work[name].title} failed after ${seconds()}\n${error.message}`);
        process.exitCode = 1;
        return;
      }
      writeFileSync(stampFile, `${JSON.stringify({ ...readStamp(), [name]: now[name] })}\n`);
      console.log(`build: ${work[name].title} ${seconds()}`);
    }
  });
}
