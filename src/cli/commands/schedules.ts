import type { Command } from 'commander';
import type { Backfill, ScheduleDetail, ScheduleItem } from '../../client/api-client.js';
import { XynFault } from '../../domain/fault.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime, shortId } from '../format.js';
import type { Printer } from '../printer.js';
import { addListCommand } from './listing.js';

const SCHEDULE = 'id of the schedule, like bp.checks.daily:1';
const ID = 'bp.checks.daily:1';

function whenText({ cron, timezone, every }: ScheduleItem): string {
  return every === null ? `${cron} ${timezone}` : `every ${every}`;
}

/** One word for whether it fires. */
function stateOf({ is_enabled: isEnabled, is_paused: isPaused, sync }: ScheduleItem): string {
  if (!isEnabled) return 'off';
  if (isPaused) return 'paused';
  return sync.state === 'applied' ? 'active' : sync.state;
}

function showSchedule(printer: Printer, one: ScheduleDetail, nowMs: number): void {
  const { pause, counts, sync } = one;
  printer.fields([
    ['schedule', one.schedule_id],
    ['blueprint', `${one.blueprint_id}@${one.version}`],
    ['fires', `${whenText(one)}${one.jitter === null ? '' : `, up to ${one.jitter} later`}`],
    ['state', stateOf(one)],
    ...(pause === null ? [] : ([['paused', `by ${pause.by}, ${relativeTime(pause.at, nowMs)}`]] as const)),
    ...(pause?.note == null ? [] : ([['why', pause.note]] as const)),
    ['overlap', one.overlap],
    ['catch up', one.catchup],
    ...(sync.error === null ? [] : ([['error', sync.error]] as const)),
    ...(counts === null
      ? []
      : ([['counted', `${counts.started} started, ${counts.skipped} skipped, ${counts.missed} missed`]] as const)),
  ]);
  printer.line();
  printer.line('next:');
  for (const { at, local, is_clock_changed: isChanged } of one.next)
    printer.line(`  ${local}  ${relativeTime(at, nowMs)}${isChanged ? '  the clock changes before it' : ''}`);
  if (one.runs.length === 0) return;
  printer.line();
  printer.table(
    ['run', 'status', 'for', 'created'],
    one.runs.map((run) => [shortId(run.run_id), run.status, run.scheduled_at, relativeTime(run.created_at, nowMs)]),
  );
}

type One = readonly [string];

async function show({ client, printer, io }: CommandContext, [id]: One): Promise<void> {
  const one = await client.getSchedule(id);
  printer.result(one, () => showSchedule(printer, one, io.clock()));
}

async function pause({ client, printer }: CommandContext, [id]: One, { note }: { note: string }): Promise<void> {
  const one = await client.pauseSchedule(id, note);
  printer.result(one, () => printer.line(`${plain(one.schedule_id)} is paused: ${plain(note)}`));
}

async function resume({ client, printer, io }: CommandContext, [id]: One, options: { note?: string }): Promise<void> {
  const one = await client.resumeSchedule(id, options.note);
  printer.result(one, () => {
    const next = one.next[0];
    const when = next === undefined ? '' : `; it fires ${relativeTime(next.at, io.clock())}`;
    printer.line(`${plain(one.schedule_id)} goes on${when}`);
  });
}

async function trigger({ client, printer }: CommandContext, [id]: One, options: { overlap?: string }): Promise<void> {
  const fired = await client.triggerSchedule(id, options);
  printer.result(fired, () => {
    printer.line(`${plain(fired.schedule_id)} fires for ${fired.scheduled_at}: run ${fired.run_id}`);
    printer.note('It does not start where the schedule skips and a run of it is open.');
  });
}

interface BackfillOptions {
  from: string;
  to: string;
  overlap?: string;
  yes?: boolean;
}

function showBackfill(printer: Printer, { times, is_dry_run: isDryRun, overlap }: Backfill): void {
  printer.table(
    ['time', 'local', 'run', ''],
    times.map((one) => [
      one.scheduled_at,
      one.local,
      shortId(one.run_id),
      one.is_known ? 'fired before, passed over' : '',
    ]),
  );
  const fresh = times.filter((one) => !one.is_known).length;
  printer.line(`${fresh} of ${times.length} times ${isDryRun ? 'would fire' : 'fire'}, ${overlap}.`);
  if (isDryRun && fresh > 0) printer.note('Nothing was done: add --yes to fire them.');
}

async function backfill({ client, printer }: CommandContext, [id]: One, options: BackfillOptions): Promise<void> {
  const { yes: isMeant = false, from, to, ...rest } = options;
  for (const [name, text] of [['--from', from] as const, ['--to', to] as const]) {
    if (Number.isNaN(Date.parse(text)))
      throw new XynFault('request_invalid', `${name} is a time like 2026-11-01T00:00:00Z, not ${plain(text, 60)}.`);
  }
  const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const answer = await client.backfillSchedule(id, { ...rest, ...range, dry_run: !isMeant });
  printer.result(answer, () => showBackfill(printer, answer));
}

/** `schedules list | show | pause | resume | trigger | backfill`. */
export function addScheduleCommands(program: Command, binder: CommandBinder): void {
  const schedules = program.command('schedules').description('schedules: what runs by the clock');
  addListCommand<ScheduleItem, { blueprint?: string }>(schedules, binder, {
    description: 'all schedules by their blueprints, with the next time',
    limit: '50',
    examples: ['xynctl schedules list', 'xynctl schedules list --blueprint bp.checks.daily'],
    fetch: ({ client }, { blueprint, ...page }) => client.listSchedules({ ...page, blueprint_id: blueprint }),
    columns: [
      ['schedule', (one) => one.schedule_id],
      ['fires', whenText],
      ['state', stateOf],
      ['next', (one) => (stateOf(one) === 'active' ? (one.next[0]?.local ?? '-') : '-')],
      ['last run', (one) => one.last_run?.status ?? '-'],
      ['note', (one) => one.pause?.note ?? ''],
    ],
    empty: 'No active blueprint has a schedule.',
  }).option('--blueprint <id>', 'of one blueprint');
  const one = (name: string, description: string, ...shown: string[]): Command =>
    schedules
      .command(name)
      .argument('<schedule>', SCHEDULE)
      .description(description)
      .addHelpText('after', examples(...shown));
  one('show', 'a schedule, its next ten times and its last ten runs', `xynctl schedules show ${ID}`).action(
    binder.bind(show),
  );
  one('pause', 'stop it from firing until it is resumed', `xynctl schedules pause ${ID} --note "the rack moves"`)
    .requiredOption('--note <text>', 'why, for everybody who looks')
    .action(binder.bind(pause));
  one('resume', 'let it fire again', `xynctl schedules resume ${ID}`)
    .option('--note <text>', 'why, for the records')
    .action(binder.bind(resume));
  one('trigger', 'fire it now, also while it is paused', `xynctl schedules trigger ${ID}`)
    .option('--overlap <policy>', 'skip, queue_one, queue_all, cancel_other or allow; default: its own')
    .action(binder.bind(trigger));
  const range = '--from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z';
  const fill = `xynctl schedules backfill ${ID} ${range}`;
  one('backfill', 'fire it for times in the past; without --yes only tell which', fill, `${fill} --yes`)
    .requiredOption('--from <time>', 'first time')
    .requiredOption('--to <time>', 'last time')
    .option('--overlap <policy>', 'queue_all: one after the other; allow: at once', 'queue_all')
    .option('--yes', 'fire them')
    .action(binder.bind(backfill));
}
