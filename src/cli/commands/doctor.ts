import type { Command } from 'commander';
import type { DoctorReport, StuckRun } from '../../client/api-client.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime, shortId } from '../format.js';
import type { Printer } from '../printer.js';
import { waitText } from '../watch-run.js';

/** Pages of stuck runs that one command asks for. */
const MAX_PAGES = 20;

/** Everything that is wrong, from as many looks as it takes. */
async function examine({ client }: CommandContext): Promise<DoctorReport> {
  const report = await client.doctor();
  for (let page = 1; report.next_cursor !== null && page < MAX_PAGES; page += 1) {
    const more = await client.doctor(report.next_cursor);
    report.runs.push(...more.runs);
    report.checked_runs += more.checked_runs;
    report.next_cursor = more.next_cursor;
    report.is_complete = more.is_complete;
  }
  report.ok = report.findings.length === 0 && report.runs.length === 0 && report.is_complete;
  return report;
}

function showStuck(printer: Printer, runs: readonly StuckRun[], nowMs: number): void {
  for (const run of runs) {
    printer.line(`${shortId(run.run_id)}  ${plain(run.name, 60)}  no progress since ${relativeTime(run.since, nowMs)}`);
    for (const reason of run.reasons) {
      const path = 'path' in reason && reason.path !== null ? `${reason.path}: ` : '';
      printer.line(printer.style('yellow', `  ${plain(`${path}${waitText(reason, nowMs)}`, 300)}`));
    }
    printer.line(`  → ${plain(run.next_step, 500)}`);
  }
}

async function doctor(context: CommandContext): Promise<number> {
  const { printer, io } = context;
  const report = await examine(context);
  printer.result(report, () => {
    for (const { severity, message, next_step: next } of report.findings) {
      printer.line(`${printer.style(severity === 'error' ? 'red' : 'yellow', severity)}  ${plain(message, 500)}`);
      printer.line(`  → ${plain(next, 500)}`);
    }
    showStuck(printer, report.runs, io.clock());
    const open = report.open_runs > 10_000 ? 'more than 10000' : String(report.open_runs);
    const { length: stuck } = report.runs;
    printer.line(
      `${report.ok ? 'Nothing is wrong' : `${report.findings.length} findings, ${stuck} stuck`}; ${open} open runs.`,
    );
    if (!report.is_complete) printer.note('Not every run could be looked at; run it again when these are repaired.');
  });
  return report.ok ? 0 : 1;
}

/** The runs that do not move, as `runs list --stuck` shows them. */
export async function listStuckRuns(context: CommandContext): Promise<void> {
  const { printer, io } = context;
  const { runs } = await examine(context);
  printer.result({ items: runs, next_cursor: null }, () => {
    showStuck(printer, runs, io.clock());
    if (runs.length === 0) printer.note('No run is stuck.');
  });
}

/** `doctor`. */
export function addDoctorCommand(program: Command, binder: CommandBinder): void {
  program
    .command('doctor')
    .description('find what is wrong: parts, backlogs, and runs that do not move; exit code 1 when something is')
    .addHelpText('after', examples('xynctl doctor', 'xynctl doctor --json'))
    .action(binder.bind(doctor));
}
