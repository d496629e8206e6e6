import { mismatchLines, type ScenarioFileReport, type ScenarioRunReport } from './report.js';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for XML; characters that XML 1.0 cannot hold become `?`. */
function xml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')
    .replace(/[&<>"]/g, (one) => ESCAPES[one] ?? one);
}

/** A report in the form that CI systems read: a suite for each file. */
export function junitXml(report: ScenarioRunReport): string {
  const suites = report.files.map(suiteOf).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="${report.passed + report.failed}" failures="${report.failed}">\n${suites}\n</testsuites>\n`;
}

function suiteOf({ file, problems, scenarios }: ScenarioFileReport): string {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const failures = scenarios.filter(({ ok }) => !ok).length;
  const cases = scenarios.map(({ name, ok, mismatches, took_ms: tookMs }) => {
    const head = `    <testcase classname="${xml(file)}" name="${xml(name)}" time="${(tookMs / 1000).toFixed(3)}"`;
    if (ok) return `${head}/>`;
    const text = mismatches.flatMap(mismatchLines).join('\n');
    return `${head}>\n      <failure message="${xml(mismatches[0]?.what ?? '')}">${xml(text)}</failure>\n    </testcase>`;
  });
  if (errors.length > 0) {
    const text = errors.map((one) => `${one.file}:${one.line}:${one.column}: ${one.code}: ${one.message}`).join('\n');
    cases.push(
      `    <testcase classname="${xml(file)}" name="the file is valid">\n      <error message="${xml(errors[0]?.code ?? '')}">${xml(text)}</error>\n    </testcase>`,
    );
  }
  const numbers = `tests="${cases.length}" failures="${failures}" errors="${errors.length > 0 ? 1 : 0}"`;
  return `  <testsuite name="${xml(file)}" ${numbers}>\n${cases.join('\n')}\n  </testsuite>`;
}
