import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { CliActions } from '../src/cli/actions.js';
import { runProgram } from '../src/cli/program.js';
import { createCompiler } from '../src/main/compiler.js';
import { parseInventory } from '../src/targets/inventory-file.js';

const pageOf = (name: string): Promise<string> => readFile(new URL(`../${name}`, import.meta.url), 'utf8');
const readme = await pageOf('README.md');
const guides = await Promise.all(
  ['docs/authoring.md', 'docs/operations.md', 'docs/configuration.md', 'SECURITY.md'].map(pageOf),
);

function blocks(language: string, page = readme): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
}

/** The command and its options as the words of a shell, without their comments. */
function commandsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line.startsWith('xynctl '));
  return lines.map((line) =>
    [...line.replace(/ +# .*$/, '').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
      ([, a, b, bare = '']) => a ?? b ?? bare,
    ),
  );
}

async function* nothing(): AsyncGenerator<string> {
  yield '';
}

describe('what README.md and the guides show', () => {
  const spoken = guides.flatMap((page) => [...page.matchAll(/`(xynctl [^`]+)`/g)].map(([, line = '']) => line));
  const commands = [...new Set([readme, ...guides].flatMap((page) => blocks('sh', page)).concat(spoken))]
    .flatMap(commandsOf)
    // Options of the program itself come without a command.
    .filter(([, first = '']) => !first.startsWith('-'));

  it('has commands to check', () => expect(commands.length).toBeGreaterThan(15));

  it.each(commands.map((words) => [words.join(' '), words.slice(1)] as const))(
    '%s is understood',
    async (_line, args) => {
      let out = '';
      const write = (text: string) => (out += text);
      const words = args.filter((word) => !word.startsWith('-') && /^[a-z]+$/.test(word)).slice(0, 2);
      const io = { env: {}, stdin: nothing(), stdout: { write }, stderr: { write }, clock: Date.now };
      const code = await runProgram([...args, '--help'], { version: '1' } as CliActions, io);
      expect(code).toBe(0);
      expect(out).toContain(`Usage: xynctl ${words[0]}`);
      for (const option of args.filter((word) => word.startsWith('--'))) expect(out).toContain(option);
    },
  );

  it('has documents that compile, and an inventory that can be read', async () => {
    const compile = createCompiler();
    const [blueprint = '', inventory = '', ...more] = blocks('yaml');
    expect(more).toEqual([]);
    const { compiled, problems } = await compile(Buffer.from(blueprint));
    expect(problems.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['warning unused_input']);
    expect(compiled?.plan.id).toBe('bp.checkmk.auto_remediate');
    expect(parseInventory(inventory, 'README.md').get('web-1')).toMatchObject({ port: 22, key: 'ssh/ops' });
  });
});
