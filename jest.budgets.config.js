import base from './jest.config.js';

/** The screens over a million runs: a catalog of its own that takes two minutes to fill, so apart from the other tests. */
/** @type {import('jest').Config} */
export default {
  ...base,
  globalSetup: null,
  globalTeardown: null,
  roots: ['<rootDir>/test/budgets'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
