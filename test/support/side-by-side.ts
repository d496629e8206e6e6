import { beforeAll, it } from '@jest/globals';

/**
 * Tests of one `describe` that run beside each other: all of them begin before the first one is looked at. Jest's own
 * concurrent tests cannot load modules while they run.
 * @returns adds a test.
 */
export function sideBySide(): (name: string, story: () => Promise<unknown>) => void {
  const stories = new Map<string, () => Promise<unknown>>();
  const outcomes = new Map<string, Promise<unknown>>();
  beforeAll(async () => {
    for (const [name, story] of stories) outcomes.set(name, story());
    await Promise.allSettled(outcomes.values());
  });
  return (name, story) => {
    stories.set(name, story);
    it(name, async () => {
      await outcomes.get(name);
    });
  };
}
