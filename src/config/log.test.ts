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

  it('asks for the context of every line', () => {
    let step = 'a';
    const lines: string[] = [];
    const options = { level: 'info', name: 'test', context: () => ({ step_id: step }) };
    const log = createLogger({ ...options, write: (line) => lines.push(line) });
    log.info('one');
    step = 'b';
    log.child({ run_id: 'r' }).warn({ step_id: 'own' }, 'two');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { step_id: 'a', msg: 'one' },
      { step_id: 'own', run_id: 'r', msg: 'two' },
    ]);
  });

  it('is for people where that is wanted, without what a terminal would obey, and still masked', () => {
    const lines: string[] = [];
    const options = { level: 'info', name: 'api', format: 'human', secrets: () => ['hunter22'] } as const;
    const log = createLogger({ ...options, write: (line) => lines.push(line) });
    log.warn({ url: 'http://x', host: 'a\u001b[2Jb', err: new Error('not hunter22') }, 'it is\nlate');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}api {4}it is late url=http:\/\/x host=/);
    expect(lines[0]).toContain('\n      Error: not [redacted]\n          at ');
    expect(lines[0]).not.toContain('\u001b');
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
