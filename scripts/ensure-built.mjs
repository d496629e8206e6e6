// Builds what changed since the last build. Runs before every command, so it loads the build only when it is needed.
import { stalePhases } from './fingerprint.mjs';

if (stalePhases().length > 0) {
  const { build } = await import('./build-phases.mjs');
  await build();
}
