import type { Command } from 'commander';
import type { Rerun, Run, RunDetail, Step } from '../../client/api-client.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { XynFault } from '../../domain/fault.js';
import { ANEW_TEXTS } from '../../domain/rerun.js';
import { INTERRUPTED } from '../follow.js';
import { elapsed, errorText, plain, relativeTime, shortId } from '../format.js';
import { collect, fileArgument, jsonArgument, pairArguments } from '../parse-options.js';
import type { Printer } from '../printer.js';
import { resolveRunId } from '../short-ids.js';
import { gateCommands, hasEnded, waitText, watchRun } from '../watch-run.js';
import { showProblems } from './blueprints.js';
import { listStuckRuns } from './doctor.js';
import { addListCommand } from './listing.js';

function showSteps(printer: Printer, steps: readonly Step[], nowMs: number): void {
  const rows = steps.map((step) => [
    step.path,
    step.status,
    step.kind,
    String(step.attempts),
    elapsed(step.started_at, step.completed_at, nowMs),
    errorText(step.error) ?? step.skip_reason ?? reusedText(step),
  ]);
  printer.table(['step', 'status', 'kind', 'attempts', 'took', ''], rows);
}

function reusedText({ reused_from_run: run }: Step): string {
  return run === null ? '' : `taken over from ${shortId(run)}`;
}

function rerunText({ rerun_of: run, rerun_from: from }: Run): string {
  return `${shortId(run ?? '')}, ${from === null ? 'all of it' : `from ${from}`}`;
}

function showRun(printer: Printer, run: RunDetail, nowMs: number): void {
  const { blueprint_version: version } = run;
  const error = errorText(run.error);
  printer.fields([
    ['run', run.run_id],
    ['name', run.name],
    ['status', run.phase === null ? run.status : `${run.status} (${run.phase})`],
    ['blueprint', version === null ? run.blueprint_id : `${run.blueprint_id}@${version}`],
    ['started by', `${run.trigger}, ${run.actor}`],
    ...(run.rerun_of === null ? [] : [['rerun of', rerunText(run)] as const]),
    ['created', `${run.created_at} (${relativeTime(run.created_at, nowMs)})`],
    ['took', elapsed(run.started_at, run.completed_at, nowMs)],
    ['inputs', JSON.stringify(run.inputs)],
    ...(run.outputs === null ? [] : [['outputs', JSON.stringify(run.outputs)] as const]),
    ...(error === undefined ? [] : [['error', error] as const]),
  ]);
  for (const wait of run.waiting_on) {
    const path = 'path' in wait && wait.path !== null ? `${wait.path} ` : '';
    printer.line(printer.style('yellow', plain(`waiting: ${path}${waitText(wait, nowMs)}`)));
    if (wait.kind === 'gate') printer.line(`  ${gateCommands(wait)}`);
  }
}

async function show({ client, printer, io }: CommandContext, [given]: readonly [string]): Promise<void> {
  const runId = await resolveRunId(client, given);
  const run = await client.getRun(runId);
  const steps = await client.steps(runId);
  printer.result({ ...run, steps }, () => {
    showRun(printer, run, io.clock());
    printer.line();
    showSteps(printer, steps, io.clock());
  });
}

/** Whether a run completed; that of a program that Ctrl-C ended when nobody waited for its end. */
function codeOf(run: RunDetail | undefined): number {
  if (run === undefined) return INTERRUPTED;
  return run.status === 'completed' ? 0 : 1;
}

async function watch({ client, printer, io }: CommandContext, [given]: readonly [string]): Promise<number> {
  return codeOf(await watchRun({ client, printer, io }, await resolveRunId(client, given)));
}

async function cancel(
  { client, printer }: CommandContext,
  [given]: readonly [string],
  { reason }: { reason: string },
): Promise<void> {
  const run = await client.cancelRun(await resolveRunId(client, given), reason);
  printer.result(run, () =>
    printer.line(
      hasEnded(run)
        ? `Run ${shortId(run.run_id)} had ended already: ${printer.status(run.status)}.`
        : `Run ${shortId(run.run_id)} is being cancelled; follow it with \`xynctl runs watch ${shortId(run.run_id)}\`.`,
    ),
  );
}

interface RerunOptions {
  from?: string;
  withInput: string[];
  latest?: true;
  dryRun?: true;
  key?: string;
  wait?: true;
}

/** Paths that are shown of each list. */
const MOST_SHOWN = 20;

function showRerun(printer: Printer, { reused, reused_count: kept, anew, anew_count: count }: Rerun): void {
  printer.line(`${kept} ${kept === 1 ? 'step is' : 'steps are'} taken over, ${count} run anew.`);
  const rows = [
    ...reused.slice(0, MOST_SHOWN).map((path) => [path, 'taken over', '']),
    ...anew.slice(0, MOST_SHOWN).map(({ path, reason }) => [path, 'runs anew', ANEW_TEXTS[reason]]),
  ];
  printer.table(['step', '', ''], rows);
}

async function rerun(
  { client, printer, io }: CommandContext,
  [given]: readonly [string],
  { from, withInput, latest, dryRun, key, wait }: RerunOptions,
): Promise<number> {
  const inputs = pairArguments(withInput);
  const answer = await client.rerunRun(
    await resolveRunId(client, given),
    {
      ...(from === undefined ? {} : { from }),
      ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
      ...(latest === undefined ? {} : { latest }),
      ...(dryRun === undefined ? {} : { dry_run: dryRun }),
    },
    key,
  );
  if (answer.run !== null && wait === true) {
    return codeOf(await watchRun({ client, printer, io }, answer.run.run_id));
  }
  printer.result(answer, () => {
    showRerun(printer, answer);
    if (answer.run !== null) printer.line(`run ${answer.run.run_id}`);
  });
  return 0;
}

interface StartOptions {
  file?: string;
  input: string[];
  inputsFile?: string;
  name?: string;
  key?: string;
  wait?: true;
}

async function appliedFile({ client, printer, io }: CommandContext, file: string): Promise<string | undefined> {
  const answer = await client.applyBlueprint(await fileArgument(file, io.stdin));
  if ('is_valid' in answer) {
    printer.result({ file, ...answer }, () => showProblems(printer, file, answer.problems));
    return undefined;
  }
  showProblems(printer, file, answer.warnings);
  return `${answer.blueprint_id}@${answer.version}`;
}

async function start(
  context: CommandContext,
  [given]: readonly [string | undefined],
  { file, input, inputsFile, name, key, wait }: StartOptions,
): Promise<number> {
  const { client, printer, io } = context;
  if ((given === undefined) === (file === undefined)) {
    throw new XynFault('request_invalid', 'Say which blueprint: its id (or id@version), or --file with a document.');
  }
  const inputs = {
    ...(inputsFile === undefined ? {} : await jsonArgument('--inputs-file', `@${inputsFile}`, io.stdin)),
    ...pairArguments(input),
  };
  const ref = given ?? (await appliedFile(context, file ?? ''));
  if (ref === undefined) return 1;
  const run = await client.startRun({ blueprint_ref: ref, inputs, ...(name === undefined ? {} : { name }) }, key);
  if (wait !== true) {
    printer.result(run, () => printer.line(`run ${run.run_id}`));
    return 0;
  }
  return codeOf(await watchRun({ client, printer, io }, run.run_id));
}

const RUN_ID = 'id of the run, or its first 8 or more characters';

function addRerunCommand(runs: Command, binder: CommandBinder): void {
  runs
    .command('rerun')
    .argument('<run>', RUN_ID)
    .description('repeat an ended run as a new one that takes over what that one did')
    .option(
      '--from <step>',
      'id or path of the first step that runs anew; default: the first that failed or did not run',
    )
    .option('--with-input <name=value>', 'another input: name=text or name:=json; may be repeated', collect, [])
    .option('--latest', 'the active version of the blueprint instead of the one that the run has')
    .option('--dry-run', 'only say what would be taken over and what would run anew')
    .option('--key <key>', 'Idempotency-Key: the same key never makes a second run')
    .option('--wait', 'follow the new run until it ends; exit code 1 when it does not complete')
    .addHelpText(
      'after',
      examples(
        'xynctl runs rerun 1a2b3c4d',
        'xynctl runs rerun 1a2b3c4d --from restart --dry-run',
        'xynctl runs rerun 1a2b3c4d --with-input host=web-2 --latest --wait',
      ),
    )
    .action(binder.bind(rerun));
}

/** `runs start | list | show | watch | cancel | rerun`. */
export function addRunCommands(program: Command, binder: CommandBinder): void {
  const runs = program.command('runs').description('runs: what blueprints did and do');
  runs
    .command('start')
    .argument('[blueprint]', 'id of the blueprint, or id@version')
    .description('start a run by hand')
    .option('--file <file>', 'apply that document, and start a run of it')
    .option('--input <name=value>', 'an input: name=text or name:=json; may be repeated', collect, [])
    .option('--inputs-file <file>', 'inputs as a JSON object in a file, - for standard input; --input adds to them')
    .option('--name <text>', "what lists call it; default: the blueprint's name")
    .option('--key <key>', 'Idempotency-Key: the same key never makes a second run')
    .option('--wait', 'follow it until it ends; exit code 1 when it does not complete')
    .addHelpText(
      'after',
      examples(
        'xynctl runs start bp.checkmk.auto_remediate --input host=web-1 --input service=nginx',
        'xynctl runs start --file remediate.yaml --input host=web-1 --wait',
        'xynctl runs start bp.checkmk.auto_remediate --inputs-file inputs.json --key ticket-4711',
      ),
    )
    .action(binder.bind(start));
  addListCommand<Run, { status?: string; blueprint?: string; stuck?: true }>(runs, binder, {
    description: 'the newest runs',
    limit: '20',
    examples: ['xynctl runs list', 'xynctl runs list --status failed --json'],
    instead: ({ stuck }) => (stuck === true ? listStuckRuns : undefined),
    fetch: ({ client }, { blueprint, stuck: _stuck, ...query }) =>
      client.listRuns({ ...query, blueprint_id: blueprint }),
    columns: [
      ['run', (run) => shortId(run.run_id)],
      ['status', (run) => run.status],
      ['phase', (run) => run.phase ?? ''],
      ['name', (run) => run.name],
      ['created', (run, now) => relativeTime(run.created_at, now)],
      ['took', (run, now) => elapsed(run.started_at, run.completed_at, now)],
    ],
    empty: 'No run is like that. Send an event: `xynctl events emit NAME`.',
  })
    .option('--status <status>', 'created, running, completed, failed or cancelled')
    .option('--blueprint <id>', 'only runs of that blueprint')
    .option('--stuck', 'only open runs that do not move, with the reason and what to do; no other filter goes with it');
  runs
    .command('show')
    .argument('<run>', RUN_ID)
    .description('a run, its steps, and what it waits for')
    .addHelpText('after', examples('xynctl runs show 1a2b3c4d'))
    .action(binder.bind(show));
  runs
    .command('watch')
    .argument('<run>', RUN_ID)
    .description('follow a run until it ends; exit code 1 when it does not complete')
    .addHelpText('after', examples('xynctl runs watch 1a2b3c4d'))
    .action(binder.bind(watch));
  runs
    .command('cancel')
    .argument('<run>', RUN_ID)
    .description('ask a run to cancel')
    .option('--reason <text>', 'why, for the records', '')
    .addHelpText('after', examples('xynctl runs cancel 1a2b3c4d --reason "wrong host"'))
    .action(binder.bind(cancel));
  addRerunCommand(runs, binder);
}
