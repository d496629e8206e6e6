// Tells whether what is in dist/ still fits its sources. Only Node's own modules: this runs before every command.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'dist', '.built.json');
const ignored = new Set(['node_modules', 'generated']);
const shared = ['package-lock.json', 'scripts/build-phases.mjs', 'scripts/fingerprint.mjs'];

/** What each phase reads, and a file that exists once it has run. */
const phases = {
  prisma: {
    inputs: ['prisma/schema.prisma', 'scripts/generate-prisma.mjs', ...shared],
    output: 'src/catalog/generated',
  },
  tsc: {
    inputs: ['src', 'workflows', 'activities', 'packs', 'test', 'prisma/schema.prisma', 'tsconfig.json', ...shared],
    output: 'dist/src',
  },
  assets: { inputs: ['src/ui', 'scripts/build-assets.mjs', ...shared], output: 'dist/assets/xyn.js' },
  bundle: { inputs: ['workflows', 'src/domain', 'tsconfig.json', ...shared], output: 'dist/workflow-bundle.js' },
};

// Path, size and time of change, not content: reading some hundred files would take longer than everything else here.
function addFiles(hash, path, name) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    for (const entry of readdirSync(path).sort()) {
      if (!ignored.has(entry)) addFiles(hash, join(path, entry), `${name}/${entry}`);
    }
  } else if (!name.includes('/') || /\.(ts|mjs|prisma|json|css|eta|svg)$/.test(name)) {
    hash.update(stat ? `${name}\0${stat.size}\0${stat.mtimeMs}\n` : `${name}\0absent\n`);
  }
}

/** The fingerprint of every phase's sources as they are now: phase name → hex. */
export function fingerprints() {
  const entries = Object.entries(phases).map(([name, { inputs }]) => {
    const hash = createHash('sha256').update(process.version);
    for (const input of inputs) addFiles(hash, join(root, input), input);
    return [name, hash.digest('hex')];
  });
  return Object.fromEntries(entries);
}

/** The fingerprints that the last successful run of each phase left; empty when there was none or it cannot be read. */
export function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

/** Names of the phases to run, in order. */
export function stalePhases(now = fingerprints(), stamp = readStamp()) {
  return Object.keys(phases).filter(
    (name) => now[name] !== stamp[name] || !existsSync(join(root, phases[name].output)),
  );
}

/** Path of the stamp. */
export { stampFile };
