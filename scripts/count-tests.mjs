// Sums the JSON reports of jest given as arguments into the line `tests: N passed, N failed, N skipped`.
// A file of tests that could not be loaded counts as one failed test; a report that is missing, too.
import { readFileSync } from 'node:fs';

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    sum.passed += report.numPassedTests;
    sum.failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
    sum.skipped += report.numPendingTests + report.numTodoTests;
  } catch (error) {
    console.error(`No report of a test run: ${error.message}`);
    sum.failed += 1;
  }
}
console.log(`tests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
if (sum.failed > 0) process.exitCode = 1;
