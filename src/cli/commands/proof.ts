import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { looksLikeId, resolveRunId } from '../short-ids.js';

/** A target is a file when it is there or is written like a path, else a run. */
function isFile(target: string): boolean {
  return /[/\\]|\.json$/.test(target) || (!looksLikeId(target) && existsSync(target));
}

async function replay(
  { actions, client, config, printer }: CommandContext,
  [target]: readonly [string],
): Promise<number> {
  const report = isFile(target)
    ? await actions.replayFile(target)
    : await actions.replayRun(config, await resolveRunId(client, target));
  printer.result(report, () => {
    if (report.ok) printer.line(`The history of ${report.events} events fits the code of today.`);
    else printer.line(`The history does not fit the code of today: ${report.message ?? 'no further facts'}`);
  });
  return report.ok ? 0 : 1;
}

async function verify({ actions, config, printer }: CommandContext): Promise<number> {
  let told = 0;
  const report = await actions.verifyAudit(config, (checked) => {
    if (checked - told < 100_000) return;
    told = checked;
    printer.note(`${checked} entries checked`);
  });
  printer.result(report, () => {
    const { entries, linked, unlinked_tail: tail, heads, first_problem: problem } = report;
    printer.fields([
      ['entries', String(entries)],
      ['linked', String(linked)],
      ['not linked yet', String(tail)],
      ['signed heads', String(heads)],
      ['result', report.ok ? 'ok' : 'broken'],
    ]);
    if (problem === undefined) return;
    const where = problem.seq === undefined ? '' : ` at link ${problem.seq}`;
    const entry = problem.audit_id === undefined ? '' : ` (entry ${problem.audit_id})`;
    printer.line(printer.style('red', `${problem.kind}${where}${entry}: ${problem.message}`));
  });
  return report.ok ? 0 : 1;
}

/** `replay` and `audit verify`. */
export function addProofCommands(program: Command, binder: CommandBinder): void {
  program
    .command('replay')
    .argument('<run|file>', 'id of a run, its first 8 or more characters, or a file with a history as JSON')
    .description('run a history through the code of today, without any effect')
    .addHelpText('after', examples('xynctl replay 1a2b3c4d', 'xynctl replay ./history.json'))
    .action(binder.bind(replay));
  program
    .command('audit')
    .description('the audit trail')
    .command('verify')
    .description('check the whole audit trail; exit code 1 when it was tampered with')
    .addHelpText('after', examples('xynctl audit verify', 'xynctl audit verify --json'))
    .action(binder.bind(verify));
}
