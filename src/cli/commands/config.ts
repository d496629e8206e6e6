import type { Command } from 'commander';
import { describeSettings, settingsMarkdown, unknownVariables } from '../../config/describe.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';

async function show(
  { actions, env, origins, printer }: CommandContext,
  _args: readonly [],
  { all, markdown }: { all?: true; markdown?: true },
): Promise<void> {
  if (markdown === true) {
    const text = settingsMarkdown();
    printer.result({ markdown: text }, () => printer.line(text));
    return;
  }
  const settings = describeSettings(env, origins);
  const unknown = unknownVariables(env, (written, names) => actions.nearestName(written, names));
  printer.result({ settings, unknown }, () => {
    const shown = settings.filter(({ value }) => all === true || value !== null);
    const rows = shown.map(({ variable, value, source, unit }) => [
      variable,
      [value ?? '-', unit ?? ''].join(' ').trim(),
      source,
    ]);
    printer.table(['setting', 'value', 'from'], rows);
    const hidden = settings.length - shown.length;
    if (hidden > 0) printer.note(`${hidden} more have no value: add --all. What each is for: docs/configuration.md.`);
  });
  for (const { variable, suggestion } of unknown) {
    const meant = suggestion === null ? 'see `xynctl config --all`' : `did you mean ${suggestion}?`;
    printer.note(`warning: ${variable} is no setting of Xyn; ${meant}`);
  }
}

/** `config`. */
export function addConfigCommand(program: Command, binder: CommandBinder): void {
  program
    .command('config')
    .description('every setting, its value and where that comes from; secrets show as `set`')
    .option('--all', 'also settings without a value')
    .option('--markdown', 'the table of docs/configuration.md')
    .addHelpText('after', examples('xynctl config', 'xynctl config --all', 'xynctl config --json'))
    .action(binder.bind(show));
}
