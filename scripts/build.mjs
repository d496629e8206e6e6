// `npm run build`: all phases, whether or not anything changed.
import { build } from './build-phases.mjs';

await build({ force: true });
