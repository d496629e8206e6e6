import type { Command } from 'commander';
import type { Event, EventItem } from '../../client/api-client.js';
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
    if (runId !== null && (await watchRun({ client, printer, io }, runId)).status !== 'completed') code = 1;
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

/** `events emit | list | show`. */
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
}
