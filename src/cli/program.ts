import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { CliActions } from './actions.js';
import { addAuthoringCommands } from './commands/authoring.js';
import { addBlueprintCommands } from './commands/blueprints.js';
import { addCompletionCommands } from './commands/completion.js';
import { addConfigCommand } from './commands/config.js';
import { addArtifactCommands } from './commands/artifacts.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addDraftCommands } from './commands/drafts.js';
import { addEventCommands } from './commands/events.js';
import { addGateCommands } from './commands/gates.js';
import { addInitCommand } from './commands/init.js';
import { addPlanCommand } from './commands/plan.js';
import { addPreflightCommand } from './commands/preflight.js';
import { addProofCommands } from './commands/proof.js';
import { addRunCommands } from './commands/runs.js';
import { addScheduleCommands } from './commands/schedules.js';
import { addServerCommands } from './commands/servers.js';
import { addTestCommand } from './commands/scenarios.js';
import { CommandBinder, examples, type CliIo } from './context.js';
import { plain } from './format.js';

/** Exit code of a command line that was not understood. */
const USAGE_EXIT = ERROR_CODES.request_invalid.exit;

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused, 5 unavailable, 70 a defect of Xyn.`;

/** The tree of commands. Its actions are those that `binder` makes. */
export function createProgram(actions: CliActions, io: CliIo, binder: CommandBinder): Command {
  const program = new Command('xynctl')
    .description('durable automation for operations')
    .version(actions.version, '-V, --version')
    .option('--json', 'print data as JSON')
    .option('--url <url>', 'where the API is (XYN_URL); default: what runs in this folder, else http://127.0.0.1:7420')
    .option('--actor <name>', 'who you are, for the records (XYN_ACTOR)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride()
    .addHelpText('after', examples('xynctl up', 'xynctl status', 'xynctl runs list', 'xynctl gates approve 9f8e7d6c'))
    .addHelpText('after', EXIT_CODES);
  addServerCommands(program, binder);
  addDoctorCommand(program, binder);
  addAuthoringCommands(addBlueprintCommands(program, binder), binder);
  addDraftCommands(program, binder);
  addTestCommand(program, binder);
  addPlanCommand(program, binder);
  addEventCommands(program, binder);
  addRunCommands(program, binder);
  addGateCommands(program, binder);
  addScheduleCommands(program, binder);
  addArtifactCommands(program, binder);
  addProofCommands(program, binder);
  addConfigCommand(program, binder);
  addInitCommand(program, binder);
  addPreflightCommand(program, binder);
  addCompletionCommands(program, binder);
  return program;
}

/** What the API says about requests and inputs. */
const problemList = z.array(z.object({ path: z.string().optional(), message: z.string() }));

function problemLines(details: XynFault['details']): string[] {
  const parsed = problemList.safeParse(details?.['problems']);
  const problems = parsed.success ? parsed.data : [];
  return problems.slice(0, 20).map(({ path, message }) => `  ${plain(path ?? '')}: ${plain(message)}`);
}

function showFault(fault: XynFault, io: CliIo, json: boolean): void {
  const { code, message, details = null } = fault;
  if (json) {
    io.stderr.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
    return;
  }
  // Settings name their problems in the message.
  const lines =
    code === 'config_invalid' ? message.split('\n') : [plain(message, 2_000), ...problemLines(details ?? undefined)];
  io.stderr.write(`${lines.join('\n')} [${code}]\n`);
}

/**
 * Runs one command line.
 * @param args what follows the program's name.
 * @returns the exit code (`error-codes.ts`); never rejects.
 */
export async function runProgram(args: readonly string[], actions: CliActions, io: CliIo): Promise<number> {
  const binder = new CommandBinder(actions, io);
  try {
    await createProgram(actions, io, binder).parseAsync([...args], { from: 'user' });
    return binder.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT;
    const fault =
      error instanceof XynFault
        ? error
        : new XynFault(
            'internal',
            `A defect of xynctl: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          );
    showFault(fault, io, args.includes('--json'));
    return ERROR_CODES[fault.code].exit;
  }
}
