import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

describe('Turnstile', () => {
  it('lets so many in at once, in order, and goes on after failures', async () => {
    const turnstile = new Turnstile(2, 5_000);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        turnstile.pass(async () => {
          order.push(n);
          most = Math.max(most, (inside += 1));
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
          if (n % 3 === 0) throw new Error('no');
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(results.filter((one) => one.status === 'rejected')).toHaveLength(7);
  });

  it('turns away who waits too long, and only them', async () => {
    const turnstile = new Turnstile(1, 20);
    let finish: () => void = () => undefined;
    const first = turnstile.pass(() => new Promise<void>((resolve) => (finish = resolve)));
    await expect(turnstile.pass(() => Promise.resolve())).rejects.toMatchObject({ code: 'db_unavailable' });
    finish();
    await first;
    await expect(turnstile.pass(() => Promise.resolve('in'))).resolves.toBe('in');
  });
});
