import { describe, expect, it } from '@jest/globals';
import { createLogger } from './log.js';

function logged(write: (log: ReturnType<typeof createLogger>) => void, secrets: string[] = []): string {
  const lines: string[] = [];
  write(createLogger({ level: 'info', name: 'test', secrets: () => secrets, write: (line) => lines.push(line) }));
  return lines.join('');
}

describe('createLogger', () => {
  it('writes one JSON object per line with level, time and name', () => {
    const line = logged((log) => log.info({ run_id: 'r1' }, 'run started'));
    expect(JSON.parse(line)).toMatchObject({ level: 'info', name: 'test', run_id: 'r1', msg: 'run started' });
    expect((JSON.parse(line) as { time: string }).time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(line.endsWith('\n')).toBe(true);
  });

  it('leaves out less important levels', () => {
    expect(logged((log) => log.debug('detail'))).toBe('');
  });

  it('masks members that hold secrets', () => {
    const text = logged((log) =>
      log.info({ password: 'aaa', db: { password: 'bbb' }, x: { y: { token: 'ccc' } } }, 'm'),
    );
    expect(text).not.toMatch(/aaa|bbb|ccc/);
  });

  it('masks registered values anywhere, also escaped, and passwords in URLs', () => {
    const secret = 'pa"ss\\word';
    const text = logged(
      (log) => {
        log.error({ err: new Error(`cannot use ${secret}`) }, `tried ${secret}`);
        log.info(`connect postgres://xyn:tops3cret@127.0.0.1/xyn`);
      },
      [secret],
    );
    expect(text).not.toContain('word');
    expect(text).not.toContain('tops3cret');
    expect(text).toContain('postgres://xyn:[redacted]@127.0.0.1/xyn');
    for (const line of text.trim().split('\n')) expect(() => void JSON.parse(line)).not.toThrow();
  });
});
