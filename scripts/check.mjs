// `npm run check`: all static checks, two at a time, the longest first. Prints what the failing ones said.
import { join } from 'node:path';
import { build, runNode } from './build-phases.mjs';
import { root } from './fingerprint.mjs';

const atOnce = 2;
const folders = ['src', 'workflows', 'activities', 'packs', 'test'];
const checks = {
  eslint: ['eslint/bin/eslint.js', '.', '--max-warnings', '0'],
  tsc: ['typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit', '--tsBuildInfoFile', 'dist/.check.tsbuildinfo'],
  browser: ['typescript/bin/tsc', '-p', 'src/ui/browser/tsconfig.json'],
  depcruise: ['dependency-cruiser/bin/dependency-cruise.mjs', '--config', '.dependency-cruiser.cjs', ...folders],
  knip: ['knip/bin/knip.js', '--no-progress'],
  // Every branch of the pure core is covered by its unit tests.
  domain: ['jest/bin/jest.js', '--config', 'jest.domain.config.js'],
  prettier: ['prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
};

async function runCheck([name, [program, ...args]]) {
  const began = Date.now();
  const flags = program.startsWith('jest/')
    ? ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
    : [];
  const { code, output } = await runNode([...flags, join(root, 'node_modules', program), ...args]);
  console.log(
    `check: ${name.padEnd(9)} ${code === 0 ? 'ok    ' : 'FAILED'} ${((Date.now() - began) / 1000).toFixed(1)} s`,
  );
  return code === 0 ? undefined : { name, output };
}

// The types of the database client are generated: without them half of the sources have errors.
await build({ only: ['prisma'] });
const queue = Object.entries(checks);
const failures = [];
async function takeFromQueue() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const failure = await runCheck(next);
    if (failure) failures.push(failure);
  }
}
await Promise.all(Array.from({ length: atOnce }, takeFromQueue));

for (const { name, output } of failures) console.log(`\n--- ${name} ---\n${output.trim()}`);
if (failures.length > 0) process.exitCode = 1;
