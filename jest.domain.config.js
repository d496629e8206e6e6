import base from './jest.config.js';

/** `npm run coverage`: the pure core alone, every branch of it. @type {import('jest').Config} */
export default {
  ...base,
  globalSetup: undefined,
  globalTeardown: undefined,
  roots: ['<rootDir>/src/domain'],
  collectCoverage: true,
  collectCoverageFrom: ['src/domain/**/*.ts', '!**/*.test.ts'],
  coverageReporters: ['text-summary', 'text'],
  coverageThreshold: { global: { branches: 100 } },
};
