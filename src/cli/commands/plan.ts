import type { Command } from 'commander';
import type { PlanPreview } from '../../client/api-client.js';
import { XynFault } from '../../domain/fault.js';
import type { PreviewList, PreviewStep } from '../../domain/plan-preview.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { duration, plain } from '../format.js';
import { collect, documentArgument, jsonArgument, pairArguments } from '../parse-options.js';
import type { Printer } from '../printer.js';
import { showProblems } from './blueprints.js';

interface PlanOptions {
  input: string[];
  event?: string;
}

/** Values of a field that are shown in full; longer ones are in `--json`. */
const MAX_VALUE = 120;

/** The title of a list that is not simply the steps of its holder. */
function titleOf({ role, name }: PreviewList): string | undefined {
  if (role === 'body') return undefined;
  if (role === 'finally') return 'finally';
  return role === 'handler' ? `on error ${name}` : `${role} ${name}`;
}

function factsOf(step: PreviewStep): string {
  const { action, effect, idempotency, targets = [], timeout_ms: timeoutMs, attempts, items, concurrency } = step;
  const where = targets.length === 0 ? '' : ` → ${targets.slice(0, 5).join(', ')}${targets.length > 5 ? ', …' : ''}`;
  const facts = [
    `${action ?? step.kind}${where}`,
    [effect, idempotency].filter((word) => word !== undefined).join('/'),
    timeoutMs === undefined ? '' : `timeout ${duration(timeoutMs)}`,
    attempts === undefined ? '' : attempts === 1 ? '1 try' : `${attempts} tries`,
    items === undefined ? '' : items === null ? 'items decided later' : `${items} item${items === 1 ? '' : 's'}`,
    concurrency === undefined ? '' : `${concurrency} at once`,
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}

function gateText({ gate }: PreviewStep): string | undefined {
  if (gate === undefined) return undefined;
  const { approvers, require, reject } = gate;
  const who = approvers === null ? 'decided later' : approvers.length === 0 ? 'anyone who may' : approvers.join(', ');
  return `${require} to approve, ${reject} to reject: ${who}`;
}

function showStep(printer: Printer, step: PreviewStep, depth: number): void {
  const pad = '  '.repeat(depth);
  const sign = { yes: '•', no: '-', later: '?' }[step.would_run];
  const id = step.would_run === 'no' ? printer.style('dim', step.id) : printer.style('bold', step.id);
  printer.line(`${pad}${sign} ${id}  ${plain(factsOf(step), 400)}`);
  if (step.would_run === 'no') return;
  const detail = (text: string): void => printer.line(`${pad}    ${text}`);
  const gate = gateText(step);
  if (gate !== undefined) detail(plain(gate, 400));
  const message = step.gate?.message;
  if (typeof message === 'string') detail(plain(`"${message}"`, MAX_VALUE));
  for (const [name, value] of Object.entries(step.input ?? {})) {
    detail(`${name}: ${plain(typeof value === 'string' ? value : JSON.stringify(value), MAX_VALUE)}`);
  }
  if (step.later.length > 0) detail(printer.style('dim', `decided later: ${step.later.join(', ')}`));
  for (const { field, code, message: why } of step.faults) {
    detail(printer.style('red', plain(`${field} would fail: ${code}: ${why}`, 400)));
  }
  showLists(printer, step.lists ?? [], depth + 1);
}

function showLists(printer: Printer, lists: readonly PreviewList[], depth: number): void {
  for (const list of lists) {
    const title = titleOf(list);
    const isOff = list.would_run === 'no';
    if (title !== undefined) {
      const sure = isOff ? ' (not taken)' : list.would_run === 'later' ? ' (decided later)' : '';
      printer.line(`${'  '.repeat(depth)}${printer.style('dim', `${plain(title)}${sure}`)}`);
    }
    if (isOff && title !== undefined) continue;
    for (const step of list.steps) showStep(printer, step, depth + (title === undefined ? 0 : 1));
  }
}

function showPreview(printer: Printer, preview: PlanPreview): void {
  const { verdict, verdict_detail: detail } = preview;
  printer.fields([
    ['blueprint', preview.blueprint_id],
    ['plan', preview.digest],
    ['inputs', JSON.stringify(preview.inputs)],
    ...(verdict === null
      ? []
      : [['event', `${verdict}${detail === null ? '' : ` ${JSON.stringify(detail)}`}`] as const]),
  ]);
  printer.line();
  if (preview.lists.length === 0) printer.line('The event would start nothing.');
  showLists(printer, preview.lists, 0);
}

async function plan(
  { client, printer, io }: CommandContext,
  [given]: readonly [string],
  { input, event: eventFile }: PlanOptions,
): Promise<number> {
  if (given === '-' && eventFile === '-')
    throw new XynFault('request_invalid', 'Only one of both can be standard input.');
  const what = await documentArgument(given, io.stdin);
  const event = eventFile === undefined ? undefined : await jsonArgument('--event', fileOf(eventFile), io.stdin);
  const preview = await client.previewPlan({
    ...what,
    inputs: pairArguments(input),
    ...(event === undefined ? {} : { event }),
  });
  if ('is_valid' in preview) {
    printer.result(preview, () => showProblems(printer, given, preview.problems));
    return 1;
  }
  printer.result(preview, () => showPreview(printer, preview));
  return 0;
}

function fileOf(written: string): string {
  return written === '-' || written.startsWith('@') || written.startsWith('{') ? written : `@${written}`;
}

/** `plan`. */
export function addPlanCommand(program: Command, binder: CommandBinder): void {
  program
    .command('plan')
    .argument('<file|id>', "a document, - for standard input, or a blueprint's id or id@version")
    .option('--input <name=value>', 'an input; name:=JSON for other than text', collect, [])
    .option('--event <file>', 'preview what this event would start; a JSON file with event_name and data')
    .description('tell what a run would do, in which order and where, and do nothing')
    .addHelpText(
      'after',
      examples(
        'xynctl plan remediate.yaml --input host=web-1',
        'xynctl plan bp.checkmk.auto_remediate --event alert.json --json',
      ),
    )
    .action(binder.bind(plan));
}
