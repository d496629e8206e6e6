import type { Command } from 'commander';
import { writeFile } from 'node:fs/promises';
import { XynFault } from '../../domain/fault.js';
import type { CoverageReport, ScenarioFileReport, ScenarioRunReport } from '../actions.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain } from '../format.js';
import type { Printer } from '../printer.js';
import { showProblems } from './blueprints.js';

interface TestOptions {
  chaos?: boolean;
  coverage?: boolean;
  junit?: string;
}

function showFile(printer: Printer, { file, problems, scenarios, coverage }: ScenarioFileReport, lines: Lines): void {
  for (const problem of problems) showProblems(printer, problem.file, [problem]);
  for (const { name, line, column, ok, mismatches } of scenarios) {
    const word = ok ? printer.style('green', 'ok  ') : printer.style('red', 'FAIL');
    printer.line(`${word} ${plain(file)}:${line}:${column} ${plain(name)}`);
    for (const one of mismatches) for (const text of lines(one)) printer.line(`       ${plainLine(text)}`);
  }
  if (coverage !== undefined) showCoverage(printer, file, coverage);
}

type Lines = CommandContext['actions']['mismatchLines'];

/** A line that is shown as it is, without control characters: its columns stay where they are. */
export function plainLine(line: string): string {
  const text = line.trimStart();
  return (
    ' '.repeat(line.length - text.length) +
    text
      .split(/( {2,})/)
      .map((part) => (part.trim() === '' ? part : plain(part, 2_000)))
      .join('')
  );
}

function showCoverage(printer: Printer, file: string, { total, missed }: CoverageReport): void {
  const reached = total - missed.length;
  printer.line(`${plain(file)}: ${reached} of ${total} steps, cases and handlers reached`);
  for (const one of missed) printer.line(`  never reached: ${plain(one)}`);
}

async function test(context: CommandContext, [paths]: readonly [string[]], options: TestOptions): Promise<number> {
  const { actions, printer } = context;
  const { chaos = false, coverage = false, junit } = options;
  const report = await actions.runScenarios(paths, { chaos, coverage });
  if (junit !== undefined) await writeReport(junit, actions.junit(report));
  printer.result(report, () => {
    for (const file of report.files) showFile(printer, file, (one) => actions.mismatchLines(one));
    printer.line(summary(printer, report));
  });
  return report.ok ? 0 : 1;
}

function summary(printer: Printer, { ok, passed, failed }: ScenarioRunReport): string {
  return `${passed} passed, ${ok ? `${failed} failed` : printer.style('red', `${failed} failed`)}`;
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new XynFault('request_invalid', `Cannot write ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** `test`. */
export function addTestCommand(program: Command, binder: CommandBinder): void {
  program
    .command('test')
    .argument('<path...>', 'files of scenarios, or folders with *.test.yaml')
    .description('run scenarios of blueprints in virtual time, without a server; exit code 1 when one fails')
    .option('--chaos', 'repeat each with shuffled completions, everything twice, and hand-overs')
    .option('--coverage', 'say which steps, cases and handlers no scenario reached')
    .option('--junit <file>', 'write a report for CI systems')
    .addHelpText('after', examples('xynctl test blueprints', 'xynctl test remediate.test.yaml --chaos --coverage'))
    .action(binder.bind(test));
}
