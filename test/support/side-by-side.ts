import { beforeAll, it } from '@jest/globals';

/** Stories at one time: more would only wait for each other on a machine of two cores. */
const AT_ONCE = 4;

/**
 * Tests of one `describe` that run beside each other, before the first one is looked at. Jest's own concurrent tests cannot
 * load modules while they run.
 * @returns adds a test.
 */
export function sideBySide(): (name: string, story: () => Promise<unknown>) => void {
  const stories = new Map<string, () => Promise<unknown>>();
  const outcomes = new Map<string, Promise<unknown>>();
  beforeAll(async () => {
    const waiting = stories.entries();
    const runNext = async (): Promise<void> => {
      for (const [name, story] of waiting) {
        const outcome = story();
        outcomes.set(name, outcome);
        await outcome.catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runNext));
  });
  return (name, story) => {
    stories.set(name, story);
    it(name, async () => {
      await outcomes.get(name);
    });
  };
}
