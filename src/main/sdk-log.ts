import type { LogLevel } from '@temporalio/worker';
import type { Logger } from 'pino';

const LEVELS: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Temporal's SDK talks through our logger, so that its lines have the same form and are masked like all others. */
export function sdkLog(log: Logger): (level: LogLevel, message: string, facts: object) => void {
  return (level, message, facts) => log[LEVELS[level]]({ sdk: facts }, message);
}

/** What the SDK has to say by our own level: it is talkative, so a level less than we. */
export function sdkLevel(level: string): LogLevel {
  if (level === 'trace') return 'DEBUG';
  return level === 'debug' ? 'INFO' : level === 'error' || level === 'fatal' ? 'ERROR' : 'WARN';
}
