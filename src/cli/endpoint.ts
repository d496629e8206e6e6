import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.js';
import { upStateFile, upStateSchema } from '../config/up-state.js';

/** Address of the instance that runs in the folder for state, or undefined. */
function runningUrl(stateDir: string): string | undefined {
  try {
    return upStateSchema.parse(JSON.parse(readFileSync(upStateFile(stateDir), 'utf8'))).api.url;
  } catch {
    // No file, or none of ours: nothing runs there.
    return undefined;
  }
}

/** Where the API is, best first: what was said, what runs in the folder for state, the default address. */
export function apiUrl(config: Config): string {
  const url = config.url ?? runningUrl(config.stateDir) ?? 'http://127.0.0.1:7420';
  return url.replace(/\/+$/, '');
}
