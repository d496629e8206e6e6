import { loadConfig } from '../config/config.js';
import { findTemporalBinary } from '../servers/temporal-binary.js';
import { packagePaths } from './package-paths.js';
import { terminalProgress } from './progress.js';

/** Gets what is missing on a fresh machine, so that later starts are quick: the Temporal server. Used by CI. */
const config = loadConfig(process.env);
const progress = terminalProgress(process.stderr);
try {
  const binary = await findTemporalBinary({
    stateDir: config.stateDir,
    env: process.env,
    goModule: packagePaths.goModule,
    onProgress: progress.show,
  });
  progress.done();
  process.stdout.write(`Temporal server ${binary.serverVersion} (${binary.source})\n`);
} catch (error) {
  progress.done();
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 5;
}
