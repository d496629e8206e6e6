import type { Command } from 'commander';
import { ERROR_CODES } from '../../domain/error-codes.js';
import { examples, type CommandBinder, type CommandContext } from '../context.js';
import { plain } from '../format.js';
import type { PreflightCheck } from '../actions.js';

const WORDS: Readonly<Record<PreflightCheck['status'], readonly [colour: string, word: string]>> = {
  ok: ['green', 'ok'],
  warning: ['yellow', 'warning'],
  failed: ['red', 'failed'],
};

async function preflight({ actions, config, env, printer }: CommandContext): Promise<number> {
  const checks = await actions.preflight(config, env);
  const failed = checks.filter(({ status }) => status === 'failed').length;
  printer.result({ ok: failed === 0, checks }, () => {
    const width = Math.max(...checks.map(({ name }) => name.length));
    for (const { name, status, message, next } of checks) {
      const [colour, word] = WORDS[status];
      printer.line(`${printer.style(colour, word.padEnd(7))}  ${name.padEnd(width)}  ${plain(message, 300)}`);
      if (next !== undefined) printer.line(`${' '.repeat(width + 11)}→ ${plain(next, 300)}`);
    }
    printer.note(failed === 0 ? 'Ready: `xynctl up`.' : `${failed} of ${checks.length} checks failed.`);
  });
  return failed === 0 ? 0 : ERROR_CODES.not_running.exit;
}

/** `preflight`. */
export function addPreflightCommand(program: Command, binder: CommandBinder): void {
  program
    .command('preflight')
    .description('check settings, machine and servers before a start; exit code 5 when something is missing')
    .addHelpText('after', examples('xynctl preflight', 'xynctl preflight --json'))
    .action(binder.bind(preflight));
}
