import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AuditHeads } from './audit-heads.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-heads-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function signed(name: string, count: number): Promise<{ heads: AuditHeads; file: string }> {
  const heads = await AuditHeads.open(path.join(dir, name));
  for (let seq = 1; seq <= count; seq += 1) {
    const head = { seq, audit_id: String(seq), hash: 'f'.repeat(64), at: '2026-11-22T10:00:00.000Z' };
    await heads.append(head);
  }
  return { heads, file: path.join(dir, name, 'heads.jsonl') };
}

const numbers = async (heads: AuditHeads, limit: number): Promise<number[]> =>
  (await heads.newest(limit)).map(({ seq }) => seq);

describe('the newest heads', () => {
  it('are the last ones, oldest first', async () => {
    const { heads } = await signed('many', 30);
    expect(await numbers(heads, 24)).toEqual(Array.from({ length: 24 }, (_, at) => at + 7));
    expect(await numbers(heads, 100)).toHaveLength(30);
  });

  it('are none before one was signed', async () => {
    expect(await numbers((await signed('none', 0)).heads, 24)).toEqual([]);
  });

  it('leave out what a crash cut off, what is no head, and what somebody else signed', async () => {
    const { heads, file } = await signed('cut', 3);
    const [first = ''] = (await readFile(file, 'utf8')).split('\n');
    await appendFile(file, `${first.replace('"seq":1', '"seq":9')}\nnothing\n${first.slice(0, 40)}`);
    expect(await numbers(heads, 24)).toEqual([1, 2, 3]);
  });
});
