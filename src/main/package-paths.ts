import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's folder, found from the compiled file in `dist/src/main`. */
const root = new URL('../../../', import.meta.url);

/** Files of the installed package. */
export const packagePaths = {
  root: fileURLToPath(root),
  migrations: fileURLToPath(new URL('prisma/migrations', root)),
  workflowBundle: fileURLToPath(new URL('dist/workflow-bundle.js', root)),
  demoBlueprint: fileURLToPath(new URL('blueprints/demo-alert-remediation.yaml', root)),
  goModule: fileURLToPath(new URL('tools/temporal-cli', root)),
  apiMain: fileURLToPath(new URL('dist/src/main/api.js', root)),
  replayMain: fileURLToPath(new URL('dist/src/main/replay-child.js', root)),
  workerMain: fileURLToPath(new URL('dist/src/main/worker.js', root)),
};

/** Version of the package. */
export function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  return manifest.version;
}
