import { readSettingsFile } from '../config/settings-file.js';

/** Where `xynctl` looks when nobody said where. */
const USUAL_FILE = '.env';

/**
 * Adds the variables of the file of settings to those of this process, so that all that it starts has them too: of
 * XYN_SETTINGS_FILE, else of `.env` in the working folder when `orUsual` is said.
 * @returns the names that the file brought.
 * @throws XynFault `config_invalid`
 */
export function applySettingsFile(env: NodeJS.ProcessEnv, { orUsual }: { orUsual: boolean }): ReadonlySet<string> {
  const named = env['XYN_SETTINGS_FILE']?.trim() ?? '';
  if (named === '' && !orUsual) return new Set();
  const found = readSettingsFile(named === '' ? USUAL_FILE : named, env, { required: named !== '' });
  Object.assign(env, found);
  return new Set(Object.keys(found));
}
