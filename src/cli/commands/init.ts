import type { Command } from 'commander';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { settingsTemplate } from '../../config/describe.js';
import { XynFault } from '../../domain/fault.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain } from '../format.js';
import { TARGETS_TEMPLATE, BLUEPRINT_TEMPLATE } from '../starter-files.js';

/** Nobody else reads secrets. */
const PRIVATE = 0o600;
const SHARED = 0o644;

interface StarterFile {
  path: string;
  text: string;
  mode: number;
}

function starterFiles(schema: string): StarterFile[] {
  const settings = settingsTemplate().replace('#XYN_TARGETS_FILE=', 'XYN_TARGETS_FILE=targets.yaml');
  return [
    { path: '.env', text: settings, mode: PRIVATE },
    { path: 'targets.yaml', text: TARGETS_TEMPLATE, mode: SHARED },
    { path: 'blueprints/check-health.yaml', text: BLUEPRINT_TEMPLATE, mode: SHARED },
    { path: 'schemas/blueprint.schema.json', text: schema, mode: SHARED },
  ];
}

/** Writes a file that is not there yet; `kept` when it is, also when somebody makes it at this moment. */
async function write(folder: string, { path, text, mode }: StarterFile): Promise<'written' | 'kept'> {
  const file = join(folder, path);
  try {
    await mkdir(dirname(file), { recursive: true });
    const handle = await open(file, 'wx', mode);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    return 'written';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'kept';
    const why = error instanceof Error ? error.message : String(error);
    throw new XynFault('request_invalid', `Cannot write ${file}: ${why}`, { cause: error });
  }
}

async function init(
  { actions, printer }: CommandContext,
  [folder = '.']: readonly [string | undefined],
): Promise<void> {
  const files: { file: string; outcome: 'written' | 'kept' }[] = [];
  for (const starter of starterFiles(actions.blueprintSchemaText())) {
    files.push({ file: join(folder, starter.path), outcome: await write(folder, starter) });
  }
  printer.result({ files }, () => {
    for (const { file, outcome } of files) {
      printer.line(`${outcome === 'kept' ? 'kept   ' : 'written'}  ${plain(file)}`);
    }
    printer.note('Next: `xynctl preflight`, `xynctl up`, then `xynctl blueprints apply blueprints/check-health.yaml`.');
  });
}

/** `init`. */
export function addInitCommand(program: Command, binder: CommandBinder): void {
  program
    .command('init')
    .argument('[folder]', 'where; default: here')
    .description(
      'write .env, targets.yaml, a first blueprint and the schema for editors; files that are there stay as they are',
    )
    .addHelpText('after', examples('xynctl init', 'xynctl init ./ops'))
    .action(binder.bind(init));
}
