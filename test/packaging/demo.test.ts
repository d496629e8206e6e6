import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const demo = path.join(root, 'dist/src/main/demo.js');
const FIRST_MS = 120_000;
const SECOND_MS = 20_000;
const STOP_MS = 30_000;
const folders: string[] = [];
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

function startDemo(folder: string) {
  const env: NodeJS.ProcessEnv = { ...process.env, XYN_STATE_DIR: folder, XYN_PORT: '0' };
  for (const name of ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'ANTHROPIC_API_KEY', 'XYN_AGENTS']) delete env[name];
  const child = spawn(process.execPath, [demo], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const said = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said.text += chunk.toString()));
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  return { child, said, exited };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'xyn-demo-'));
  // The database server may run under another account: it has to pass through.
  await chmod(folder, 0o711);
  folders.push(folder);
  return folder;
}

/** Every process whose environment or command line names the folder, by /proc; elsewhere only its children are known. */
async function processesOf(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  );
  const found: string[] = [];
  for (const id of ids) {
    const read = (file: string): Promise<string> => readFile(`/proc/${id}/${file}`, 'utf8').catch(() => '');
    if (`${await read('environ')}${await read('cmdline')}`.includes(folder))
      found.push(`${id} ${await read('cmdline')}`);
  }
  return found;
}

async function reaches({ said, child }: ReturnType<typeof startDemo>, text: string, withinMs: number): Promise<void> {
  await until(
    `the demo says ${text}`,
    () => {
      if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${said.text}`);
      return said.text.includes(text);
    },
    withinMs,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${said.text}`);
  });
}

describe('npm run demo without a terminal', () => {
  it(
    'runs the alert to its end, stays up until SIGINT, and starts again within 20 s',
    async () => {
      const folder = await newFolder();
      for (const withinMs of [FIRST_MS, SECOND_MS]) {
        const run = startDemo(folder);
        await reaches(run, 'It stays up until Ctrl-C', withinMs);
        for (const line of [
          /the answer of the agent is canned/,
          /analyze +completed/,
          /│ Canned answer: no model was asked/,
          /it covers run_fix: ssh\.run \{.*"host":"web-1"/,
          /no terminal to ask at: the demo approves by itself/,
          /approve +approved/,
          /run_fix +completed/,
          /│ Restarting nginx \(the demo only says so\)/,
          /run +completed/,
          /Artifacts +(?!none)/,
          /Footprints +.*request_count 1.*wall_ms/,
          /Audit trail +ok: (\d+) of \1 entries/,
        ]) {
          expect(run.said.text).toMatch(line);
        }
        const [, url = ''] = /^API +(\S+)$/m.exec(run.said.text) ?? [];
        const health = await fetch(`${url}/health`);
        expect((await health.json()) as object).toMatchObject({ status: 'ok' });
        run.child.kill('SIGINT');
        expect(await run.exited).toEqual([0, null]);
        expect(await processesOf(folder)).toEqual([]);
      }
    },
    FIRST_MS + SECOND_MS + 2 * STOP_MS,
  );

  it(
    'leaves nothing running when it is ended while it starts',
    async () => {
      for (const moment of ['starting Postgres', 'starting the API', 'Blueprint']) {
        const folder = await newFolder();
        const run = startDemo(folder);
        await reaches(run, moment, FIRST_MS);
        run.child.kill('SIGINT');
        expect({ moment, exit: await run.exited }).toEqual({ moment, exit: [0, null] });
        expect(await processesOf(folder)).toEqual([]);
      }
    },
    3 * (FIRST_MS + STOP_MS),
  );
});
