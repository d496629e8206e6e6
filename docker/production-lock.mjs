// Reduces package.json and package-lock.json of the working folder to what runs in production. `npm ci --omit=dev` alone
// keeps the command line of Prisma with 250 MB behind it, since @prisma/client names it as an optional peer.
import { readFileSync, writeFileSync } from 'node:fs';

const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const [manifest, lock] = [read('package.json'), read('package-lock.json')];
delete manifest.devDependencies;
delete lock.packages[''].devDependencies;

/** Where Node finds a package that the one in `from` asks for. */
function placeOf(name, from) {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (lock.packages[place] !== undefined) return place;
    if (folder === '') return undefined;
  }
}

const kept = new Set(['']);
for (const place of kept) {
  const { dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} } = lock.packages[place];
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true);
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
    const found = placeOf(name, place);
    if (found !== undefined) kept.add(found);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).filter(([place]) => kept.has(place)));
for (const entry of Object.values(lock.packages)) delete entry.dev;
writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
