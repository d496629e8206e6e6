import type { Command } from 'commander';
import type { Event, EventItem } from '../../client/api-client.js';
import { followStream, INTERRUPTED, noteSource, untilInterrupted } from '../follow.js';
import { eventSchema } from '../../http/schemas/event.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime, shortId } from '../format.js';
import { jsonArgument, resourceArgument } from '../parse-options.js';
import type { Printer } from '../printer.js';
import { resolveRunId } from '../short-ids.js';
import { watchRun } from '../watch-run.js';
import { verdictReason } from '../verdict-reason.js';
import { addListCommand } from './listing.js';

interface EmitOptions {
  data: string;
  resource?: string;
  key?: string;
  wait?: true;
}

function showVerdicts(printer: Printer, event: Event): void {
  if (event.verdicts.length === 0) printer.line(`  no blueprint has a trigger for ${plain(event.event_name)}`);
  for (const { blueprint_id: id, verdict, detail, run_id: runId } of event.verdicts) {
    const what = runId === null ? `${verdict}: ${verdictReason(verdict, detail)}` : `run ${runId}`;
    printer.line(`  ${plain(id)}: ${plain(what, 600)}`);
  }
}

async function emit(
  { client, printer, io }: CommandContext,
  [name]: readonly [string],
  options: EmitOptions,
): Promise<number> {
  const event = await client.emitEvent(
    {
      event_name: name,
      data: await jsonArgument('--data', options.data, io.stdin),
      ...(options.resource === undefined ? {} : { resource: resourceArgument(options.resource) }),
    },
    options.key,
  );
  if (options.wait !== true) {
    printer.result(event, () => {
      printer.line(`event ${event.event_id}`);
      showVerdicts(printer, event);
    });
    return 0;
  }
  printer.record({ type: 'event', ...event });
  printer.line(`event ${event.event_id}`);
  showVerdicts(printer, event);
  let code = 0;
  for (const { run_id: runId } of event.verdicts) {
    if (runId === null) continue;
    const run = await watchRun({ client, printer, io }, runId);
    if (run === undefined) return INTERRUPTED;
    if (run.status !== 'completed') code = 1;
  }
  return code;
}

async function show({ client, printer }: CommandContext, [id]: readonly [string]): Promise<void> {
  const event = await client.getEvent(id);
  printer.result(event, () => {
    printer.fields([
      ['event', event.event_id],
      ['name', event.event_name],
      ['occurred', event.occurred_at],
      ['actor', event.actor],
      ['resource', event.resource === null ? '-' : `${event.resource.type}:${event.resource.id}`],
      ['run', event.run_id ?? '-'],
      ['correlation', event.correlation_id],
      ['data', JSON.stringify(event.data)],
    ]);
    printer.line('what it started:');
    showVerdicts(printer, event);
  });
}

interface TailOptions {
  name?: string;
  run?: string;
  actor?: string;
  correlation?: string;
}

async function tail(context: CommandContext, _args: readonly [], options: TailOptions): Promise<void> {
  const { client, printer, io } = context;
  const query = {
    event_name: options.name,
    run_id: options.run === undefined ? undefined : await resolveRunId(client, options.run),
    actor: options.actor,
    correlation_id: options.correlation,
  };
  let isReady = false;
  await untilInterrupted(io, async (signal) => {
    for await (const { type, data } of followStream(context, '/events/stream', query, signal)) {
      if (type === 'ready' && !isReady) {
        isReady = true;
        printer.note('Events from now on; Ctrl-C ends it.');
      } else if (type === 'event') showTailed(printer, eventSchema.parse(data));
      else if (type === 'source') noteSource(printer, data);
      else if (type === 'resync') {
        printer.note('The server does not know where this stream was: see `xynctl events list` for what came before.');
      }
    }
  });
}

function showTailed(printer: Printer, event: EventItem): void {
  printer.record(event);
  const run = event.run_id === null ? '-' : shortId(event.run_id);
  const about = event.resource === null ? '' : `  ${event.resource.type}:${event.resource.id}`;
  printer.line(
    `${event.occurred_at}  ${plain(event.event_name, 60)}  ${run}  ${plain(`${event.actor}${about}`, 160)}  ${plain(JSON.stringify(event.data), 300)}`,
  );
}

/** `events emit | list | show | tail`. */
export function addEventCommands(program: Command, binder: CommandBinder): void {
  const events = program.command('events').description('events: what starts runs');
  events
    .command('emit')
    .argument('<name>', 'name of the event, e.g. checkmk.alert')
    .description('emit an event, and say what it started and why')
    .option('--data <json>', 'its data: a JSON object, @file, or - for standard input', '{}')
    .option('--resource <type:id>', 'what it is about')
    .option('--key <key>', 'Idempotency-Key: the same key never makes a second event')
    .option('--wait', 'follow the runs that it starts; exit code 1 when one does not complete')
    .addHelpText(
      'after',
      examples(
        `xynctl events emit checkmk.alert --data '{"host": "web-1", "service": "nginx"}'`,
        'xynctl events emit checkmk.alert --data @alert.json --wait',
      ),
    )
    .action(binder.bind(emit));
  addListCommand<EventItem, { name?: string; run?: string }>(events, binder, {
    description: 'the newest events',
    limit: '20',
    examples: ['xynctl events list --name checkmk.alert'],
    fetch: async ({ client }, { name, run, ...page }) =>
      client.listEvents({
        ...page,
        event_name: name,
        run_id: run === undefined ? undefined : await resolveRunId(client, run),
      }),
    columns: [
      ['event', (event) => event.event_id],
      ['name', (event) => event.event_name],
      ['when', (event, now) => relativeTime(event.occurred_at, now)],
      ['actor', (event) => event.actor],
      ['run', (event) => (event.run_id === null ? '' : shortId(event.run_id))],
    ],
    empty: 'No event is like that. Send one: `xynctl events emit NAME`.',
  })
    .option('--name <name>', 'only events of that name')
    .option('--run <run>', 'only events of that run (id, or its first 8 or more characters)');
  events
    .command('show')
    .argument('<id>', 'id of the event')
    .description('an event, and for every blueprint why it started a run or did not')
    .addHelpText('after', examples('xynctl events show 5f0c2f1e-8a54-4d0c-9a3e-0d6b3c5a7e11'))
    .action(binder.bind(show));
  events
    .command('tail')
    .description('print events as they come, from now on, until Ctrl-C; reconnects without a gap')
    .option('--name <name>', 'only events of that name, or of a pattern: `a.*`, `a.**`')
    .option('--run <run>', 'only events of that run (id, or its first 8 or more characters)')
    .option('--actor <actor>', 'only events of that actor')
    .option('--correlation <id>', 'only events with that correlation id')
    .addHelpText('after', examples("xynctl events tail --name 'checkmk.**'", 'xynctl events tail --json'))
    .action(binder.bind(tail));
}
