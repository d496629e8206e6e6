import { runProgram } from '../cli/program.js';
import { applySettingsFile } from './settings-file.js';
import { cliActions } from './xynctl-actions.js';

/** The command line: `bin/xynctl.js` runs this. */
process.exitCode = await runProgram(process.argv.slice(2), cliActions, {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: Date.now,
  readSettingsFile: () => applySettingsFile(process.env, { orUsual: true }),
  onInterrupt(handler) {
    process.once('SIGINT', handler);
    return () => process.off('SIGINT', handler);
  },
});
// A pipe takes 64 KiB at once: what was written must have reached its reader before the process ends.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
// Ended streams and servers leave nothing open; what a library still holds must not keep a finished command alive.
process.exit();
