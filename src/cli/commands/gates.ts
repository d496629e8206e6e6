import type { Command } from 'commander';
import type { JsonObject } from '../../domain/json.js';
import type { GateDetail, GateItem } from '../../client/api-client.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime, shortId } from '../format.js';
import { jsonArgument } from '../parse-options.js';
import type { Printer } from '../printer.js';
import { resolveGateId } from '../short-ids.js';
import { gateCommands } from '../watch-run.js';
import { addListCommand } from './listing.js';

interface DecideOptions {
  reason?: string;
  outputs?: string;
}

function showGate(printer: Printer, gate: GateDetail, nowMs: number): void {
  printer.fields([
    ['gate', gate.gate_id],
    ['status', gate.status],
    ['purpose', gate.purpose],
    ['run', gate.run_id],
    ['step', gate.path],
    ['message', gate.message ?? '-'],
    ['who', gate.approvers.length === 0 ? 'anybody' : gate.approvers.join(', ')],
    ['approvals', `${gate.approvals} of ${gate.require}`],
    ['reason', gate.reason],
    ['opened', `${gate.opened_at} (${relativeTime(gate.opened_at, nowMs)})`],
    ['expires', relativeTime(gate.expires_at, nowMs)],
  ]);
  if (gate.binds.length > 0) printer.line('what is decided on:');
  for (const { path, action, input, later } of gate.binds) {
    printer.line(`  ${plain(path)}  ${plain(action)}  ${plain(JSON.stringify(input), 2_000)}`);
    if (later.length > 0) printer.line(`    known later: ${plain(later.join(', '))}`);
  }
  if (gate.decisions.length > 0) printer.line('decisions:');
  for (const { actor, decision, status, reason } of gate.decisions) {
    printer.line(`  ${plain(actor)}  ${decision}  ${status}${reason === null ? '' : `  ${plain(reason)}`}`);
  }
  if (gate.status === 'open') printer.line(gateCommands(gate));
}

async function show({ client, printer, io }: CommandContext, [given]: readonly [string]): Promise<void> {
  const gate = await client.getGate(await resolveGateId(client, given));
  printer.result(gate, () => showGate(printer, gate, io.clock()));
}

async function decide(
  { client, printer, io }: CommandContext,
  [given, decision]: readonly [string, string],
  options: DecideOptions,
): Promise<void> {
  const outputs: JsonObject | undefined =
    options.outputs === undefined ? undefined : await jsonArgument('--outputs', options.outputs, io.stdin);
  const answer = await client.decideGate(await resolveGateId(client, given), {
    decision,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(outputs === undefined ? {} : { outputs }),
  });
  printer.result(answer, () => {
    const { gate, status } = answer;
    printer.line(`${decision}: gate ${shortId(gate.gate_id)} is ${printer.status(gate.status)}.`);
    if (status === 'submitted') printer.note('The decision is recorded and on its way: the run has not answered yet.');
    else if (gate.status === 'open') printer.note(`It waits for more people: ${gate.approvals} of ${gate.require}.`);
  });
}

const GATE_ID = 'id of the gate, or its first 8 or more characters';

/** `gates list | show | approve | reject | decide`. */
export function addGateCommands(program: Command, binder: CommandBinder): void {
  const gates = program.command('gates').description('gates: what waits for a person');
  addListCommand<GateItem, { status: string }>(gates, binder, {
    description: 'open gates, newest first',
    limit: '20',
    examples: ['xynctl gates list', 'xynctl gates list --status all'],
    fetch: ({ client }, { status, ...page }) =>
      client.listGates({ ...page, status: status === 'all' ? undefined : status }),
    columns: [
      ['gate', (gate) => shortId(gate.gate_id)],
      ['status', (gate) => gate.status],
      ['purpose', (gate) => gate.purpose],
      ['run', (gate) => shortId(gate.run_id)],
      ['step', (gate) => gate.path],
      ['opened', (gate, now) => relativeTime(gate.opened_at, now)],
      ['message', (gate) => gate.message ?? ''],
    ],
    empty: 'No gate is like that.',
  }).option('--status <status>', 'open, approved, rejected, expired, cancelled or all', 'open');
  gates
    .command('show')
    .argument('<gate>', GATE_ID)
    .description('a gate, what is decided on, and who decided')
    .addHelpText('after', examples('xynctl gates show 9f8e7d6c'))
    .action(binder.bind(show));
  for (const decision of ['approve', 'reject'] as const) {
    gates
      .command(decision)
      .argument('<gate>', GATE_ID)
      .description(`${decision} what waits at a gate`)
      .option('--reason <text>', 'why, for the records')
      .addHelpText('after', examples(`xynctl gates ${decision} 9f8e7d6c --reason "checked with the owner"`))
      .action(
        binder.bind((context, [given]: readonly [string], options: DecideOptions) =>
          decide(context, [given, decision], options),
        ),
      );
  }
  gates
    .command('decide')
    .argument('<gate>', GATE_ID)
    .argument('<decision>', 'approve or reject; at a recovery gate done, retry or fail')
    .description('decide a gate of any kind')
    .option('--reason <text>', 'why, for the records')
    .option('--outputs <json>', 'with done: what the step gave, as JSON, @file or -')
    .addHelpText(
      'after',
      examples('xynctl gates decide 9f8e7d6c retry', `xynctl gates decide 9f8e7d6c done --outputs '{"id": 7}'`),
    )
    .action(binder.bind(decide));
}
