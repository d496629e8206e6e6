import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { routesOf } from '../../../src/http/routes.js';
import { startApi, type ApiRig } from '../../support/api-rig.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';

/** Nobody listens there: what the examples do is in the catalog alone. */
const NO_TEMPORAL = '127.0.0.1:1';
const SCRIPT_MS = 60_000;
let database: TestDatabase;
let api: ApiRig;

beforeAll(async () => {
  database = await freshDatabase();
  api = await startApi({ database, address: NO_TEMPORAL, taskQueue: 'none', dispatch: false });
});

afterAll(async () => {
  await api.close();
  await database.drop();
});

const text = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language = '', body = '']) => ({
  language,
  body,
}));
const requests = blocks.flatMap(({ language, body }, ix) =>
  language === 'http' ? [{ request: body, answer: blocks[ix + 1]?.body ?? '' }] : [],
);

it('has requests, each with its answer', () => {
  expect(requests.length).toBeGreaterThan(4);
  for (const { answer } of requests) expect(answer).toMatch(/^\d{3} \{/);
});

it('shows requests that are answered as it says', async () => {
  for (const { request, answer } of requests) {
    const [head = '', ...rest] = request.trimEnd().split('\n\n');
    const [line = '', ...headers] = head.split('\n');
    const [method = '', target = ''] = line.split(' ');
    const body = rest.length === 0 ? undefined : rest.join('\n\n');
    const response = await fetch(`${api.server.url}${target}`, {
      method,
      headers: headers.map((header) => header.split(': ') as [string, string]),
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    expect([line, response.status]).toEqual([line, Number(answer.slice(0, 3))]);
    expect(await response.json()).toMatchObject(JSON.parse(answer.slice(4)) as object);
  }
});

it('shows a program that runs', async () => {
  const [program, ...others] = blocks.filter(({ language }) => language === 'js');
  expect(others).toEqual([]);
  // Inside of the package its own name leads to what it exports.
  const file = fileURLToPath(new URL(`../../../dist/docs-api-${process.pid}.mjs`, import.meta.url));
  await writeFile(file, program?.body ?? '');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: { XYN_URL: api.server.url },
      timeout: SCRIPT_MS,
    });
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^started [0-9a-f-]{36}$/);
    expect(lines.slice(1, -1)).toEqual([expect.stringMatching(/ created$/), expect.stringMatching(/ created$/)]);
    expect(lines.at(-1)).toMatch(/^blueprint_unknown \S+/);
  } finally {
    await rm(file);
  }
});

it('names every list and each of its filters', () => {
  const lists = routesOf({ version: '1', startedAt: 0 }).filter((route) => route.id.startsWith('list'));
  expect(lists.length).toBeGreaterThan(8);
  for (const { path, query } of lists) {
    const row = text
      .split('\n')
      .find((line) => line.startsWith('|') && line.includes(`\`${path.replace(/:(\w+)/g, '{$1}')}\``));
    const filters = Object.keys((query as unknown as { shape: object }).shape).filter(
      (name) => name !== 'limit' && name !== 'cursor',
    );
    for (const name of filters) expect(`${path}: ${row}`).toContain(`\`${name}\``);
    expect([path, row]).not.toEqual([path, undefined]);
  }
});
