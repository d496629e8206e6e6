import type { Command } from 'commander';
import { loadConfig, type Config } from '../config/config.js';
import type { Origins } from '../config/describe.js';
import type { CliActions } from './actions.js';
import { ApiClient } from '../client/api-client.js';
import { apiUrl } from './endpoint.js';
import { Printer, type Output } from './printer.js';

/** What a program has around it. */
export interface CliIo {
  env: NodeJS.ProcessEnv;
  stdin: AsyncIterable<Uint8Array | string>;
  stdout: Output;
  stderr: Output;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** Adds what the file of settings says to `env`; gives the names that it added. Throws XynFault `config_invalid`. */
  readSettingsFile?: () => ReadonlySet<string>;
  /** Calls `handler` at the next Ctrl-C, which does not end the program then; gives a function that takes that back. */
  onInterrupt?: (handler: () => void) => () => void;
}

/** Options that every command takes. */
interface GlobalOptions {
  json?: boolean;
  url?: string;
  actor?: string;
}

/** What a command works with. */
export interface CommandContext {
  actions: CliActions;
  io: CliIo;
  config: Config;
  /** The variables that `config` was read from: those of `io`, then options. */
  env: NodeJS.ProcessEnv;
  /** Which of them options or the file of settings brought. */
  origins: Origins;
  printer: Printer;
  client: ApiClient;
}

/** Runs a command: gets its context, its arguments and its own options; answers the exit code, 0 when nothing. */
type Run<A extends readonly unknown[], O> = (
  context: CommandContext,
  args: A,
  options: O,
) => Promise<number | undefined> | Promise<void>;

/** Binds commands to the world outside and collects their exit code. */
export class CommandBinder {
  readonly #actions: CliActions;
  readonly #io: CliIo;
  exitCode = 0;

  constructor(actions: CliActions, io: CliIo) {
    this.#actions = actions;
    this.#io = io;
  }

  /** The printer of a command line that may not even have been understood. */
  printer(options: { json?: boolean }): Printer {
    const { stdout, stderr, env } = this.#io;
    return new Printer({ stdout, stderr, env, json: options.json === true });
  }

  /** An action handler for commander; `settings` are environment variables that options of the command replace. */
  bind<A extends readonly unknown[], O extends object>(
    run: Run<A, O>,
    settings: (options: O) => NodeJS.ProcessEnv = () => ({}),
  ): (...args: unknown[]) => Promise<void> {
    return async (...given) => {
      const command = given.at(-1) as Command;
      const options = command.opts<O>();
      const global = command.optsWithGlobals<GlobalOptions>();
      const file = this.#io.readSettingsFile?.() ?? new Set<string>();
      const flags = {
        ...(global.url === undefined ? {} : { XYN_URL: global.url }),
        ...(global.actor === undefined ? {} : { XYN_ACTOR: global.actor }),
        ...settings(options),
      };
      const env = { ...this.#io.env, ...flags };
      const config = loadConfig(env);
      const { version } = this.#actions;
      const context: CommandContext = {
        actions: this.#actions,
        io: this.#io,
        config,
        env,
        origins: { file, flag: new Set(Object.keys(flags)) },
        printer: this.printer(global),
        // Who types a command wants to know at once that a part does not answer.
        client: new ApiClient({
          url: apiUrl(config),
          actor: config.actor,
          program: `xynctl/${version}`,
          retries: 0,
        }),
      };
      const code = await run(context, given.slice(0, -2) as unknown as A, options);
      if (typeof code === 'number') this.exitCode = code;
    };
  }
}

/** Lines of `--help` that show a command at work. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}
