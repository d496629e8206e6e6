import base from './jest.config.js';

/** The package, its image, the demo and several processes against real servers: minutes, so apart from the other tests. */
/** @type {import('jest').Config} */
export default {
  ...base,
  globalSetup: null,
  globalTeardown: null,
  roots: ['<rootDir>/test/packaging'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
  maxWorkers: 1,
};
