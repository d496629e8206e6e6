import { Option, type Command } from 'commander';
import { XynFault } from '../../domain/fault.js';
import type { DocumentAnswer, GraphFormat } from '../actions.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { documentArgument, fileArgument } from '../parse-options.js';
import { showProblems } from './blueprints.js';

/** The document of a file, or of an applied blueprint. */
async function documentOf({ client, io }: CommandContext, given: string): Promise<Uint8Array> {
  const what = await documentArgument(given, io.stdin);
  if ('source' in what) return new TextEncoder().encode(what.source);
  const { source } = await client.getBlueprint(what.blueprint_ref);
  if (source !== null) return new TextEncoder().encode(source);
  throw new XynFault('blueprint_unknown', `${given} has no active version.`);
}

/** A text for standard output. Problems go to standard error when there is one, so that it can be written to a file. */
function tell({ printer, io }: CommandContext, file: string, answer: DocumentAnswer): number {
  const { text, problems } = answer;
  printer.result(answer, () => {
    if (text === undefined) showProblems(printer, file, problems);
    else io.stdout.write(text);
  });
  if (text !== undefined) {
    for (const { code, message } of problems) printer.note(`${code}: ${message}`);
  }
  return text === undefined || problems.some(({ severity }) => severity === 'error') ? 1 : 0;
}

async function graph(
  context: CommandContext,
  [given]: readonly [string],
  { format }: { format: GraphFormat },
): Promise<number> {
  return tell(context, given, await context.actions.drawBlueprint(await documentOf(context, given), format));
}

async function migrate(context: CommandContext, [file]: readonly [string]): Promise<number> {
  return tell(context, file, await context.actions.migrateBlueprint(await fileArgument(file, context.io.stdin)));
}

function schema({ actions, io, printer }: CommandContext): Promise<void> {
  const text = actions.blueprintSchemaText();
  printer.result(JSON.parse(text) as object, () => io.stdout.write(text));
  return Promise.resolve();
}

/** `blueprints graph | migrate | schema`. */
export function addAuthoringCommands(blueprints: Command, binder: CommandBinder): void {
  blueprints
    .command('graph')
    .argument('<file|id>', "a document, - for standard input, or a blueprint's id")
    .addOption(new Option('--format <format>', 'what to draw').choices(['mermaid', 'svg']).default('mermaid'))
    .description('draw the steps of a blueprint')
    .addHelpText('after', examples('xynctl blueprints graph remediate.yaml --format svg > remediate.svg'))
    .action(binder.bind(graph));
  blueprints
    .command('migrate')
    .argument('<file>', 'a document in YAML or JSON; - for standard input')
    .description('print the xyn/v1 form of a document without `api`; exit code 1 when it still has errors')
    .addHelpText('after', examples('xynctl blueprints migrate old.yaml > new.yaml'))
    .action(binder.bind(migrate));
  blueprints
    .command('schema')
    .description('print the JSON Schema of documents, for editors; no server is asked')
    .addHelpText('after', examples('xynctl blueprints schema > schemas/blueprint.schema.json'))
    .action(binder.bind(schema));
}
