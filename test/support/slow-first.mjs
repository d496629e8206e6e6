import { statSync } from 'node:fs';

/** Files that start servers, processes and browsers take seconds to a minute, whatever their size; the others well below one. */
const slow = /[/\\](?:test|packs|src[/\\]servers)[/\\]/;

/**
 * The order of the test files: a slow one that begins last leaves the other worker idle. Jest's own order needs the times of
 * an earlier run, which a fresh checkout does not have.
 */
export default class SlowFirst {
  sort(tests) {
    const key = new Map(tests.map((test) => [test, { isSlow: slow.test(test.path), size: statSync(test.path).size }]));
    return [...tests].sort((a, b) => {
      const [one, two] = [key.get(a), key.get(b)];
      return Number(two.isSlow) - Number(one.isSlow) || two.size - one.size;
    });
  }

  /** For `--onlyFailures`, which needs what was kept of an earlier run: nothing is kept. */
  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {
    // The order depends on nothing that a run could tell.
  }
}
