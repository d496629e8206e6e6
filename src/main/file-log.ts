import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from 'pino';
import { secretsOf, type Config } from '../config/config.js';
import { createLogger } from '../config/log.js';

/** A log file in `<stateDir>/logs`, for commands whose output is for people. */
export async function fileLog(config: Config, name: string): Promise<Logger> {
  const dir = path.join(config.stateDir, 'logs');
  await mkdir(dir, { recursive: true });
  const file = createWriteStream(path.join(dir, `${name}.log`), { flags: 'a' });
  const secrets = secretsOf(config);
  return createLogger({ level: config.logLevel, name, secrets: () => secrets, write: (line) => file.write(line) });
}
