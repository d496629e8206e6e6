import { Option, type Command } from 'commander';
import path from 'node:path';
import type { ApiClient, DraftDetail, DraftDiff, DraftItem } from '../../client/api-client.js';
import { XynFault } from '../../domain/fault.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime, shortId } from '../format.js';
import { fileArgument, wholeNumberArgument } from '../parse-options.js';
import type { Printer } from '../printer.js';
import { showProblems } from './blueprints.js';
import { addListCommand } from './listing.js';
import { plainLine } from './scenarios.js';

const FULL = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Drafts that are looked through for a name or the beginning of an id. */
const MAX_CANDIDATES = 200;

/** The draft of an id, of its first 8 or more characters, or of a name. */
async function resolveDraftId(client: ApiClient, given: string): Promise<string> {
  const text = given.toLowerCase();
  if (FULL.test(text)) return text;
  const isPrefix = /^[0-9a-f]{8}[0-9a-f-]*$/.test(text);
  const { items } = await client.listDrafts({ limit: MAX_CANDIDATES, ...(isPrefix ? {} : { q: given }) });
  const found = items.filter(({ draft_id: id, name }) => name === given || (isPrefix && id.startsWith(text)));
  const [first] = found;
  if (first === undefined) throw new XynFault('draft_not_found', `No draft is ${given}; see \`xynctl drafts list\`.`);
  if (found.length === 1) return first.draft_id;
  const ids = found.map(({ draft_id: id }) => id).slice(0, 5);
  throw new XynFault('request_invalid', `${given} may be several drafts (${ids.join(', ')}); give the id.`);
}

interface SaveOptions {
  name?: string;
  kind: 'blueprint' | 'pack';
  event?: string;
  notes?: string;
  expected?: string;
  base?: string;
}

async function save(
  { client, printer, io }: CommandContext,
  [file]: readonly [string],
  { name = path.basename(file).replace(/\.(ya?ml|json)$/i, ''), kind, event, notes, expected, base }: SaveOptions,
): Promise<void> {
  if (file === '-' && name === '-') throw new XynFault('request_invalid', 'Say with --name which draft it is.');
  const revision = wholeNumberArgument('--expected', expected, 0);
  const version = base === 'none' ? null : wholeNumberArgument('--base', base, 1);
  const saved = await client.saveDraft({
    name,
    kind,
    definition: (await fileArgument(file, io.stdin)).toString('utf8'),
    ...(event === undefined ? {} : { trigger_event_type: event }),
    ...(notes === undefined ? {} : { notes }),
    ...(revision === undefined ? {} : { expected_revision: revision }),
    ...(version === undefined ? {} : { base_version: version }),
  });
  printer.result(saved, () => {
    const what = saved.created ? 'is now' : 'is already';
    printer.line(`${plain(saved.name)} ${what} at revision ${saved.revision} (${saved.draft_id})`);
  });
}

function showDraft(printer: Printer, one: DraftDetail): void {
  const { newest, content } = one;
  const tests = newest.tests === null ? '-' : `${newest.tests.passed} passed, ${newest.tests.failed} failed`;
  printer.fields([
    ['draft', one.draft_id],
    ['name', one.name],
    ['kind', one.kind],
    ['status', one.status],
    ['revision', `${one.revision}, ${newest.created_at} by ${newest.created_by}`],
    ['blueprint', one.blueprint_id ?? '-'],
    ['begun with', one.base_version === null ? '-' : `version ${one.base_version}`],
    ['event', content.trigger_event_type === '' ? '-' : content.trigger_event_type],
    ['notes', content.notes ?? '-'],
    ['valid', one.is_valid === null ? '-' : one.is_valid ? 'yes' : 'no'],
    ['scenarios', tests],
  ]);
  printer.line();
  for (const line of content.definition.trimEnd().split('\n')) printer.line(`  ${plainLine(line)}`);
}

async function show({ client, printer }: CommandContext, [given]: readonly [string]): Promise<void> {
  const one = await client.getDraft(await resolveDraftId(client, given));
  printer.result(one, () => showDraft(printer, one));
}

const SIGNS = { same: ' ', added: '+', removed: '-' } as const;
const COLOURS = { added: 'green', removed: 'red' } as const;

function showDiff(printer: Printer, { lines, added, removed, is_whole: isWhole }: DraftDiff): void {
  for (const line of lines) {
    if (line.kind === 'skipped') printer.line(printer.style('dim', `@@ ${line.count} unchanged @@`));
    else {
      const text = `${SIGNS[line.kind]}${plainLine(line.text)}`;
      printer.line(line.kind === 'same' ? text : printer.style(COLOURS[line.kind], text));
    }
  }
  printer.note(`${added} added, ${removed} removed${isWhole ? '' : '; not all is shown'}`);
}

async function diff(
  { client, printer }: CommandContext,
  [given]: readonly [string],
  query: { from?: string; to?: string },
): Promise<void> {
  const found = await client.diffDraft(await resolveDraftId(client, given), query);
  printer.result(found, () => showDiff(printer, found));
}

async function validate({ client, printer }: CommandContext, [given]: readonly [string]): Promise<number> {
  const report = await client.validateDraft(await resolveDraftId(client, given));
  printer.result(report, () => {
    showProblems(printer, plain(given), report.issues);
    const word = report.is_valid ? 'valid' : printer.style('red', 'not valid');
    printer.line(`revision ${report.revision} is ${word}`);
  });
  return report.is_valid ? 0 : 1;
}

async function test(
  { client, printer, io, actions }: CommandContext,
  [given, file]: readonly [string, string],
): Promise<number> {
  const scenarios = (await fileArgument(file, io.stdin)).toString('utf8');
  const report = await client.testDraft(await resolveDraftId(client, given), scenarios);
  printer.result(report, () => {
    for (const problem of report.problems) {
      showProblems(printer, problem.file === 'scenarios' ? file : plain(given), [problem]);
    }
    for (const { name, line, column, ok, mismatches } of report.scenarios) {
      const word = ok ? printer.style('green', 'ok  ') : printer.style('red', 'FAIL');
      printer.line(`${word} ${plain(file)}:${line}:${column} ${plain(name)}`);
      for (const one of mismatches) {
        for (const text of actions.mismatchLines(one)) printer.line(`       ${plainLine(text)}`);
      }
    }
    printer.line(`${report.passed} passed, ${report.failed} failed`);
  });
  return report.ok ? 0 : 1;
}

async function promote(
  { client, printer }: CommandContext,
  [given]: readonly [string],
  { revision, reason }: { revision?: string; reason?: string },
): Promise<void> {
  const expected = wholeNumberArgument('--revision', revision, 1);
  const promoted = await client.promoteDraft(await resolveDraftId(client, given), {
    ...(expected === undefined ? {} : { expected_revision: expected }),
    ...(reason === undefined ? {} : { reason }),
  });
  printer.result(promoted, () => {
    const { blueprint_id: id, version, digest } = promoted;
    printer.line(`${plain(id)} is now version ${version} (${digest})`);
  });
}

/** What is given as a draft on the command line. */
const DRAFT = ['<draft>', 'a name, an id, or its first 8 or more characters'] as const;

function addChangingCommands(drafts: Command, binder: CommandBinder): void {
  drafts
    .command('save')
    .argument('<file>', 'a document; - for standard input')
    .option('--name <name>', 'which draft; default: the name of the file')
    .addOption(new Option('--kind <kind>', 'what it will become').choices(['blueprint', 'pack']).default('blueprint'))
    .option('--event <type>', 'the event that it is meant for')
    .option('--notes <text>', 'what is new in it')
    .option('--expected <revision>', 'refuse when the draft is at another revision (0: it must be new)')
    .option('--base <version>', 'the active version that you compared with, after a conflict; or `none`')
    .description('keep a document as the newest revision of a draft')
    .addHelpText('after', examples('xynctl drafts save remediate.yaml --notes "restarts once"'))
    .action(binder.bind(save));
  drafts
    .command('validate')
    .argument(...DRAFT)
    .description('check the newest revision and keep the report; exit code 1 when it has errors')
    .addHelpText('after', examples('xynctl drafts validate remediate'))
    .action(binder.bind(validate));
  drafts
    .command('test')
    .argument(...DRAFT)
    .argument('<file>', 'scenarios; - for standard input')
    .description('run scenarios of the newest revision in virtual time; exit code 1 when one fails')
    .addHelpText('after', examples('xynctl drafts test remediate remediate.test.yaml'))
    .action(binder.bind(test));
  drafts
    .command('promote')
    .argument(...DRAFT)
    .option('--revision <number>', 'the revision that you looked at: another one is refused')
    .option('--reason <text>', 'why, for the audit trail')
    .description('make the newest, validated revision the active version of its blueprint')
    .addHelpText('after', examples('xynctl drafts promote remediate --revision 3 --reason "reviewed"'))
    .action(binder.bind(promote));
}

/** `drafts save | list | show | diff | validate | test | promote`. */
export function addDraftCommands(program: Command, binder: CommandBinder): void {
  const drafts = program.command('drafts').description('drafts: documents that are worked on');
  addChangingCommands(drafts, binder);
  addListCommand<DraftItem, { status?: string; kind?: string; search?: string }>(drafts, binder, {
    description: 'drafts, last changed first',
    limit: '20',
    examples: ['xynctl drafts list --status validated', 'xynctl drafts list --search remediate'],
    fetch: ({ client }, { search, ...query }) => client.listDrafts({ ...query, q: search }),
    columns: [
      ['draft', (one) => shortId(one.draft_id)],
      ['status', (one) => one.status],
      ['revision', (one) => String(one.revision)],
      ['blueprint', (one) => one.blueprint_id ?? '-'],
      ['changed', (one, now) => relativeTime(one.updated_at, now)],
      ['by', (one) => one.updated_by],
      ['name', (one) => one.name],
    ],
    empty: 'No draft is like that. Make one: `xynctl drafts save FILE`.',
  })
    .option('--status <status>', 'only those that are draft, validated or promoted')
    .option('--kind <kind>', 'only those of that kind: blueprint or pack')
    .option('--search <text>', "part of the name or of the blueprint's id");
  drafts
    .command('show')
    .argument(...DRAFT)
    .description('a draft and its newest text')
    .addHelpText('after', examples('xynctl drafts show remediate'))
    .action(binder.bind(show));
  drafts
    .command('diff')
    .argument(...DRAFT)
    .option('--from <revision>', 'a revision; default: the active version')
    .option('--to <revision>', 'a revision; default: the newest one')
    .description('what changed, line by line')
    .addHelpText('after', examples('xynctl drafts diff remediate', 'xynctl drafts diff remediate --from 2 --to 3'))
    .action(binder.bind(diff));
}
