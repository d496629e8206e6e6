import type { Command } from 'commander';
import type { BlueprintDetail, BlueprintItem, Validation } from '../../client/api-client.js';
import { XynFault } from '../../domain/fault.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime } from '../format.js';
import { fileArgument, wholeNumberArgument } from '../parse-options.js';
import type { Printer } from '../printer.js';
import { addListCommand } from './listing.js';

type Problem = Validation['problems'][number];

/** What was read from a file and what came of it; the form of `--json`. */
interface FileReport extends Validation {
  file: string;
  /** With `apply`, when it is valid. */
  applied?: { blueprint_id: string; version: number; digest: string; created: boolean };
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

/** Problems as compilers print them, so that editors find the place. */
export function showProblems(printer: Printer, file: string, problems: readonly Problem[]): void {
  for (const { line, column, severity, code, message, suggestion } of problems) {
    const word = printer.style(severity === 'error' ? 'red' : 'yellow', severity);
    printer.line(`${file}:${line}:${column}: ${word} ${code}: ${plain(message, 1_000)}`);
    if (suggestion !== undefined) printer.line(`  → ${plain(suggestion, 1_000)}`);
  }
}

function showReport(printer: Printer, report: FileReport): void {
  const { file, is_valid: isValid, problems, applied } = report;
  showProblems(printer, file, problems);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const found = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''];
  const numbers = found.filter((text) => text !== '').join(', ');
  if (!isValid) printer.line(`${file}: ${printer.style('red', 'not valid')}, ${numbers}`);
  else if (applied === undefined) printer.line(`${file}: valid${numbers === '' ? '' : `, ${numbers}`}`);
  else {
    const what = applied.created ? 'is now' : 'is already';
    printer.line(`${file}: ${plain(applied.blueprint_id)} ${what} version ${applied.version} (${applied.digest})`);
  }
}

/** One after the other: what is applied first must not depend on luck. */
async function each(
  { printer, io }: CommandContext,
  files: readonly string[],
  look: (document: Uint8Array) => Promise<Omit<FileReport, 'file'>>,
): Promise<number> {
  const reports: FileReport[] = [];
  for (const file of files) {
    const report = { file: file === '-' ? '<stdin>' : file, ...(await look(await fileArgument(file, io.stdin))) };
    reports.push(report);
    showReport(printer, report);
  }
  printer.result({ files: reports }, () => undefined);
  return reports.every((report) => report.is_valid) ? 0 : 1;
}

function validate(context: CommandContext, [files]: readonly [string[]]): Promise<number> {
  return each(context, files, (document) => context.client.validateBlueprint(document));
}

function apply(context: CommandContext, [files]: readonly [string[]]): Promise<number> {
  return each(context, files, async (document) => {
    const answer = await context.client.applyBlueprint(document);
    if ('is_valid' in answer) return answer;
    const { warnings, ...applied } = answer;
    return { is_valid: true, problems: warnings, applied };
  });
}

function showBlueprint(printer: Printer, one: BlueprintDetail, nowMs: number): void {
  printer.fields([
    ['blueprint', one.blueprint_id],
    ['name', one.name],
    ['enabled', one.enabled ? 'yes' : 'no'],
    ['version', one.active_version === null ? '-' : String(one.active_version)],
    ['digest', one.digest ?? '-'],
  ]);
  printer.line();
  const rows = one.versions.map((version) => [
    String(version.version),
    relativeTime(version.created_at, nowMs),
    version.created_by,
    version.digest,
  ]);
  printer.table(['version', 'created', 'by', 'digest'], rows);
  if (one.source === null) return;
  printer.line();
  for (const line of one.source.trimEnd().split('\n')) printer.line(`  ${indented(line)}`);
}

/** A line of a document: its indentation stays. */
function indented(line: string): string {
  const text = line.trimStart();
  return ' '.repeat(line.length - text.length) + plain(text, 2_000);
}

async function show({ client, printer, io }: CommandContext, [id]: readonly [string]): Promise<void> {
  const one = await client.getBlueprint(id);
  printer.result(one, () => showBlueprint(printer, one, io.clock()));
}

async function rollback(
  { client, printer }: CommandContext,
  [id]: readonly [string],
  { to, reason }: { to?: string; reason?: string },
): Promise<void> {
  // The number is named, so that a call that is made again does not go back twice.
  const version = wholeNumberArgument('--to', to, 1) ?? (await versionBefore(client, id));
  const done = await client.activateBlueprint(id, { version, ...(reason === undefined ? {} : { reason }) });
  printer.result(done, () => {
    const { previous_version: before } = done;
    const what = before === version ? 'is already' : 'is now';
    printer.line(`${plain(id)} ${what} version ${version} (${done.digest})`);
  });
}

async function versionBefore(client: CommandContext['client'], id: string): Promise<number> {
  const { active_version: active, versions } = await client.getBlueprint(id);
  const earlier = versions.map(({ version }) => version).filter((version) => active === null || version < active);
  if (earlier.length > 0) return Math.max(...earlier);
  throw new XynFault('blueprint_unknown', `${plain(id)} has no earlier version.`);
}

/** `blueprints validate | apply | list | show | rollback`. @returns the command `blueprints`, for more below it. */
export function addBlueprintCommands(program: Command, binder: CommandBinder): Command {
  const blueprints = program.command('blueprints').description('blueprints: what runs are made of');
  blueprints
    .command('validate')
    .argument('<file...>', 'documents in YAML or JSON; - for standard input')
    .description('tell what is wrong with documents; exit code 1 when one has errors')
    .addHelpText(
      'after',
      examples('xynctl blueprints validate remediate.yaml', 'xynctl blueprints validate *.yaml --json'),
    )
    .action(binder.bind(validate));
  blueprints
    .command('apply')
    .argument('<file...>', 'documents in YAML or JSON; - for standard input')
    .description('make documents the active versions of their blueprints; exit code 1 when one has errors')
    .addHelpText('after', examples('xynctl blueprints apply remediate.yaml'))
    .action(binder.bind(apply));
  addListCommand<BlueprintItem, object>(blueprints, binder, {
    description: 'all blueprints',
    limit: '50',
    examples: ['xynctl blueprints list'],
    fetch: ({ client }, page) => client.listBlueprints({ ...page }),
    columns: [
      ['blueprint', (one) => one.blueprint_id],
      ['version', (one) => (one.active_version === null ? '-' : String(one.active_version))],
      ['enabled', (one) => (one.enabled ? 'yes' : 'no')],
      ['changed', (one, now) => relativeTime(one.updated_at, now)],
      ['name', (one) => one.name],
    ],
    empty: 'No blueprint yet. Apply one: `xynctl blueprints apply FILE`.',
  });
  blueprints
    .command('show')
    .argument('<id>', 'id of the blueprint')
    .description('a blueprint, its versions and its document')
    .addHelpText('after', examples('xynctl blueprints show bp.checkmk.auto_remediate'))
    .action(binder.bind(show));
  blueprints
    .command('rollback')
    .argument('<blueprint>', 'id of the blueprint')
    .option('--to <version>', 'a version that is there; default: the one before the active one')
    .option('--reason <text>', 'why, for the audit trail')
    .description('make an earlier version the active one again')
    .addHelpText(
      'after',
      examples('xynctl blueprints rollback bp.checkmk.auto_remediate --reason "restarts too often"'),
    )
    .action(binder.bind(rollback));
  return blueprints;
}
