// `npm run property -- --plans 20000 [--seed N]`: random plans, engine against the reference interpreter.
import { parseArgs } from 'node:util';
import { runNode } from './build-phases.mjs';

const { values } = parseArgs({ options: { plans: { type: 'string', default: '20000' }, seed: { type: 'string' } } });
process.env.XYN_PROPERTY_PLANS = values.plans;
if (values.seed !== undefined) process.env.XYN_PROPERTY_SEED = values.seed;
const { code, output } = await runNode([
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  '--globalSetup=',
  '--globalTeardown=',
  'test/property',
]);
console.log(output);
process.exitCode = code ?? 1;
