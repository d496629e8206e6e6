import { corePack } from '../../packs/core/index.js';
import type { Pack } from '../domain/action.js';

/** Every pack that ships. Explicit, so that what runs can be found by reading. */
export const PACKS: readonly Pack[] = [corePack];
