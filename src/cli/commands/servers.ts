import type { Command } from 'commander';
import { ERROR_CODES } from '../../domain/error-codes.js';
import type { StatusReport } from '../actions.js';
import { examples, type CommandBinder } from '../context.js';
import type { Printer } from '../printer.js';

function showStatus(printer: Printer, { api, ui, temporal, worker, postgres, version }: StatusReport): void {
  const word = (ok: boolean): string => (ok ? 'ok' : 'missing');
  printer.line(`Xyn ${version}`);
  printer.table(
    ['part', 'state', 'where'],
    [
      ['api', word(api.ok), api.url],
      ['screens', word(api.ok), ui.url],
      ['temporal', word(temporal.ok), [temporal.address, temporal.ui_url ?? ''].join('  ').trim()],
      ['worker', word(worker.ok), `${worker.pollers} polling`],
      ['postgres', word(postgres.ok), ''],
    ],
  );
  if (!api.ok) printer.note('Start it with `xynctl up`.');
}

/** `up`, `down` and `status`. */
export function addServerCommands(program: Command, binder: CommandBinder): void {
  program
    .command('up')
    .description('start Postgres, Temporal, API and worker, until Ctrl-C')
    .option('--host <address>', 'address to listen on (XYN_HOST)')
    .option('--port <number>', 'port to listen on; without it 7420, or the next free one (XYN_PORT)')
    .addHelpText('after', examples('xynctl up', 'xynctl up --port 8000', 'DATABASE_URL=postgres://… xynctl up'))
    .action(
      binder.bind(
        ({ actions, config, printer }) => actions.up(config, printer),
        ({ host, port }: { host?: string; port?: string }) => ({
          ...(host === undefined ? {} : { XYN_HOST: host }),
          ...(port === undefined ? {} : { XYN_PORT: port }),
        }),
      ),
    );
  program
    .command('down')
    .description('stop what `xynctl up` started in this folder')
    .addHelpText('after', examples('xynctl down'))
    .action(
      binder.bind(async ({ actions, config, printer }) => {
        const report = await actions.down(config, printer);
        printer.result(report, () => printer.line(report.stopped ? 'Stopped.' : 'Nothing runs here.'));
      }),
    );
  program
    .command('status')
    .description('what runs, and where; exit code 5 when a part is missing')
    .addHelpText('after', examples('xynctl status', 'xynctl status --json'))
    .action(
      binder.bind(async ({ actions, config, printer }) => {
        const report = await actions.status(config);
        printer.result(report, () => showStatus(printer, report));
        const { api, temporal, worker, postgres } = report;
        return [api, temporal, worker, postgres].every(({ ok }) => ok) ? 0 : ERROR_CODES.not_running.exit;
      }),
    );
}
