import base from './jest.config.js';

/** Kill tests, one file at a time. Every file has servers of its own, which it kills, so the shared ones are not started. */
/** @type {import('jest').Config} */
export default {
  ...base,
  globalSetup: null,
  globalTeardown: null,
  roots: ['<rootDir>/test/faults'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 120_000,
  maxWorkers: 1,
};
