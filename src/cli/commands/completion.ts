import { Argument, type Command, type Option } from 'commander';
import type { ApiClient } from '../../client/api-client.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { shortId } from '../format.js';

/** Shells expand what they are given: only words that mean nothing to them are offered. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9._:@+-]*$|^--?[a-z][a-z-]*$/;
/** Who presses Tab does not wait. */
const PATIENCE_MS = 1_000;

const SCRIPTS = {
  bash: `_xynctl() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(xynctl complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _xynctl xynctl`,
  zsh: `#compdef xynctl
_xynctl() {
  local -a found
  found=("\${(@f)$(xynctl complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "$found" ]] && compadd -- $found || _files
}
compdef _xynctl xynctl`,
  fish: `complete -c xynctl -a '(xynctl complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
} as const;

/** Where a command line stands: its command, how many arguments it has, and the option that wants a value. */
interface Place {
  command: Command;
  given: number;
  pending: Option | undefined;
}

function optionsOf(command: Command): readonly Option[] {
  return [...command.options, ...(command.parent ? optionsOf(command.parent) : [])];
}

function placeOf(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, given: 0, pending: undefined };
  for (const word of words) {
    if (place.pending !== undefined) place.pending = undefined;
    else if (word.startsWith('-')) {
      const option = optionsOf(place.command).find(({ long, short }) => long === word || short === word);
      if (option?.required === true) place.pending = option;
    } else {
      const next = place.command.commands.find((command) => command.name() === word);
      if (next === undefined) place.given += 1;
      else place.command = next;
    }
  }
  return place;
}

/** Ids that the server knows, for arguments that are ids. */
async function idsFor(argument: Argument | undefined, client: ApiClient): Promise<string[]> {
  switch (argument?.name()) {
    case 'run':
    case 'run|file':
      return (await client.listRuns({ limit: 50 })).items.map((run) => shortId(run.run_id));
    case 'gate':
      return (await client.listGates({ limit: 50, status: 'open' })).items.map((gate) => shortId(gate.gate_id));
    case 'blueprint':
      return (await client.listBlueprints({ limit: 200 })).items.map((one) => one.blueprint_id);
    case 'schedule':
      return (await client.listSchedules({ limit: 200 })).items.map((one) => one.schedule_id);
    default:
      return [];
  }
}

/** What may follow the words; the last one is being written. Empty where only the person can know. */
async function candidates(program: Command, words: readonly string[], client: ApiClient): Promise<string[]> {
  const last = words.at(-1) ?? '';
  const { command, given, pending } = placeOf(program, words.slice(0, -1));
  if (pending !== undefined) return [];
  if (last.startsWith('-')) return optionsOf(command).flatMap(({ long }) => long ?? []);
  if (command.commands.length > 0) return command.commands.filter(isShown).map((one) => one.name());
  const late = new Promise<string[]>((resolve) => setTimeout(() => resolve([]), PATIENCE_MS).unref());
  return Promise.race([idsFor(command.registeredArguments[given], client).catch(() => []), late]);
}

function isShown(command: Command): boolean {
  return command.name() !== 'complete';
}

/** `completion`, and the hidden `complete` that its scripts ask. */
export function addCompletionCommands(program: Command, binder: CommandBinder): void {
  const complete = async (context: CommandContext, [words]: readonly [string[]]): Promise<void> => {
    const last = words.at(-1) ?? '';
    const found = (await candidates(program, words, context.client)).filter(
      (word) => HARMLESS.test(word) && word.startsWith(last),
    );
    for (const word of new Set(found)) context.printer.line(word);
  };
  program
    .command('complete', { hidden: true })
    .argument('[words...]', 'what stands on the command line')
    .action(binder.bind(complete));
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .description('a script that completes commands, options and ids of runs, gates, schedules and blueprints')
    .addHelpText(
      'after',
      examples(
        'xynctl completion bash > ~/.local/share/bash-completion/completions/xynctl',
        'xynctl completion zsh > ~/.zfunc/_xynctl',
        'xynctl completion fish > ~/.config/fish/completions/xynctl.fish',
      ),
    )
    .action(
      binder.bind(async ({ printer }, [shell]: readonly [keyof typeof SCRIPTS]) => {
        printer.result({ shell, script: SCRIPTS[shell] }, () => printer.line(SCRIPTS[shell]));
        return Promise.resolve(0);
      }),
    );
}
