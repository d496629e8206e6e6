import type { Command } from 'commander';
import { open, rm } from 'node:fs/promises';
import { XynFault } from '../../domain/fault.js';
import type { Artifact } from '../../client/api-client.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain, relativeTime, shortId } from '../format.js';
import { resolveRunId } from '../short-ids.js';
import { showNextPage, type PageOptions } from './paging.js';

async function list(
  { client, printer, io }: CommandContext,
  _args: readonly [],
  { run, kind, ...page }: PageOptions & { run?: string; kind?: string },
): Promise<void> {
  const runId = run === undefined ? undefined : await resolveRunId(client, run);
  const artifacts = await client.listArtifacts({ run_id: runId, kind, ...page });
  printer.result(artifacts, () => {
    const rows = artifacts.items.map((artifact) => [
      artifact.artifact_id,
      artifact.kind,
      artifact.name,
      artifact.byte_length === null ? '-' : String(artifact.byte_length),
      artifact.run_id === null ? '' : shortId(artifact.run_id),
      relativeTime(artifact.created_at, io.clock()),
    ]);
    printer.table(['artifact', 'kind', 'name', 'bytes', 'run', 'created'], rows);
    if (rows.length === 0) printer.note('No artifact is like that.');
    showNextPage(printer, artifacts.next_cursor);
  });
}

/** Writes the bytes to a new file; nothing is left of a download that fails. */
async function save(file: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'wx').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new XynFault('request_invalid', `Cannot make the file: ${why}`, { cause: error });
  });
  try {
    for await (const chunk of bytes) await handle.appendFile(chunk);
    await handle.close();
  } catch (error) {
    await handle.close();
    await rm(file, { force: true });
    throw error;
  }
}

function fieldsOf(artifact: Artifact): [string, string][] {
  return [
    ['artifact', artifact.artifact_id],
    ['name', artifact.name],
    ['kind', artifact.kind],
    ['type', artifact.content_type],
    ['bytes', String(artifact.byte_length ?? '-')],
    ['sha256', artifact.sha256 ?? '-'],
    ['created', `${artifact.created_at} by ${artifact.created_by}`],
    ['run', artifact.run_id ?? '-'],
    ['step', artifact.step_id ?? '-'],
    ['metadata', JSON.stringify(artifact.metadata)],
  ];
}

async function get(
  { client, printer }: CommandContext,
  [id]: readonly [string],
  { output }: { output?: string },
): Promise<void> {
  const artifact = await client.getArtifact(id);
  if (output !== undefined) await save(output, client.downloadArtifact(artifact));
  printer.result(artifact, () => {
    if (output === undefined) printer.fields(fieldsOf(artifact));
    else printer.line(`${artifact.byte_length ?? 0} bytes of ${plain(artifact.name)} are in ${plain(output)}.`);
  });
}

/** `artifacts list | get`. */
export function addArtifactCommands(program: Command, binder: CommandBinder): void {
  const artifacts = program.command('artifacts').description('artifacts: logs, large results and files of runs');
  artifacts
    .command('list')
    .description('the newest artifacts')
    .option('--run <run>', 'only those of that run (id, or its first 8 or more characters)')
    .option('--kind <kind>', 'only those of that kind, e.g. log or result')
    .option('--limit <number>', 'at most so many', '20')
    .option('--cursor <cursor>', 'the page after an earlier one')
    .addHelpText('after', examples('xynctl artifacts list --run 9f8e7d6c', 'xynctl artifacts list --kind log'))
    .action(binder.bind(list));
  artifacts
    .command('get')
    .argument('<artifact>', 'id of the artifact')
    .description('an artifact, or with --output its content')
    .option('-o, --output <file>', 'a new file for the content')
    .addHelpText('after', examples('xynctl artifacts get 5f0c2f1e-8a54-4d0c-9a3e-0d6b3c5a7e11 -o result.json'))
    .action(binder.bind(get));
}
