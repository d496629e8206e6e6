import { XynFault } from '../domain/fault.js';

/**
 * A setting that this process cannot do without.
 * @throws XynFault `config_invalid` when it is not set.
 */
export function requireSetting<T>(value: T | undefined, variable: string): T {
  if (value !== undefined) return value;
  throw new XynFault('config_invalid', `${variable} is not set; \`xynctl up\` sets it, or set it yourself.`);
}
