import type { Command } from 'commander';
import { open, rm } from 'node:fs/promises';
import { XynFault } from '../../domain/fault.js';
import type { Artifact } from '../../client/api-client.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { byteSize, plain, relativeTime, shortId } from '../format.js';
import { resolveRunId } from '../short-ids.js';
import { addListCommand } from './listing.js';

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
  addListCommand<Artifact, { run?: string; kind?: string }>(artifacts, binder, {
    description: 'the newest artifacts',
    limit: '20',
    examples: ['xynctl artifacts list --run 9f8e7d6c', 'xynctl artifacts list --kind log'],
    fetch: async ({ client }, { run, ...query }) =>
      client.listArtifacts({ ...query, run_id: run === undefined ? undefined : await resolveRunId(client, run) }),
    columns: [
      ['artifact', (artifact) => artifact.artifact_id],
      ['kind', (artifact) => artifact.kind],
      ['name', (artifact) => artifact.name],
      ['size', (artifact) => byteSize(artifact.byte_length)],
      ['run', (artifact) => (artifact.run_id === null ? '' : shortId(artifact.run_id))],
      ['created', (artifact, now) => relativeTime(artifact.created_at, now)],
    ],
    empty: 'No artifact is like that.',
  })
    .option('--run <run>', 'only those of that run (id, or its first 8 or more characters)')
    .option('--kind <kind>', 'only those of that kind, e.g. log or result');
  artifacts
    .command('get')
    .argument('<artifact>', 'id of the artifact')
    .description('an artifact, or with --output its content')
    .option('-o, --output <file>', 'a new file for the content')
    .addHelpText('after', examples('xynctl artifacts get 5f0c2f1e-8a54-4d0c-9a3e-0d6b3c5a7e11 -o result.json'))
    .action(binder.bind(get));
}
