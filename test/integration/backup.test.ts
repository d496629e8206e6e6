import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { asAdmin, emptyDatabase, type EmptyDatabase } from '../support/database.js';
import { describeWith, noteProgram } from '../support/parts.js';
import { Sink } from '../support/sink.js';
import { testTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { startXyn, type XynProcess } from '../support/xyn-process.js';

const run = promisify(execFile);
const manual = fileURLToPath(new URL('../../docs/operations.md', import.meta.url));
await noteProgram('psql', 'postgresql-client');

/** A list of commands of the manual, by the comment that it begins with. */
async function commandsOf(title: string): Promise<string> {
  const blocks = (await readFile(manual, 'utf8')).matchAll(/```sh\n([^]*?)```/g);
  const found = [...blocks].map(([, text = '']) => text).find((text) => text.startsWith(`# ${title}`));
  if (found === undefined) throw new Error(`docs/operations.md has no commands "${title}"`);
  return found;
}

describeWith('temporal')('with a Temporal server', () => {
  describeWith('psql')('the backup of the manual', () => {
    let dir: string;
    let sink: Sink;
    let databases: EmptyDatabase[];
    let processes: XynProcess[] = [];
    const taskQueue = `backup-${randomUUID()}`;
    const id = `bp.backup_${randomUUID().slice(0, 8)}`;

    beforeAll(async () => {
      dir = await mkdtemp(path.join(tmpdir(), 'xyn-backup-'));
      databases = [await emptyDatabase(), await emptyDatabase()];
      sink = await Sink.start();
    });

    afterAll(async () => {
      await stopAll('SIGKILL');
      await sink.close();
      // The second one holds rights of the first one's role.
      for (const database of databases.reverse()) await database.drop();
      await rm(dir, { recursive: true, force: true });
    });

    /** Where an installation keeps its state. */
    const stateOf = (name: string): string => path.join(dir, name);

    async function startAll(database: EmptyDatabase, stateDir: string): Promise<string> {
      const { address } = await testTemporal();
      const env = {
        HOME: dir,
        DATABASE_URL: database.url,
        TEMPORAL_ADDRESS: address,
        XYN_STATE_DIR: stateDir,
        XYN_TASK_QUEUE: taskQueue,
        XYN_AGENTS: 'off',
      };
      const owner = { DATABASE_OWNER_URL: database.ownerUrl, XYN_PORT: '0' };
      const api = await startXyn('xyn-api', { ...env, ...owner }, path.join(dir, 'api.log'));
      processes.push(api);
      processes.push(await startXyn('xyn-worker', env, path.join(dir, 'worker.log')));
      return `${api.url}/api/v1`;
    }

    async function stopAll(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
      for (const { process: child } of processes) child.kill(signal);
      await Promise.all(processes.map(({ ended }) => ended));
      processes = [];
    }

    async function call(url: string, body?: object | string): Promise<ReturnType<typeof JSON.parse>> {
      const isText = typeof body === 'string';
      const answer = await fetch(url, {
        headers: { 'content-type': isText ? 'text/yaml' : 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: isText ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text}`);
      return JSON.parse(text);
    }

    const post = (step: string): string => `
  - kind: action_task
    id: ${step}
    action: http.call
    with: {url: '${sink.url(`/${step}`)}', method: POST, idempotency_header: Idempotency-Key, body: '{{inputs.n}}'}`;

    /** Starts a run that waits at its gate. */
    async function waitingRun(api: string, n: string): Promise<{ runId: string; gateId: string }> {
      const event = await call(`${api}/events`, { event_name: 'backup.begin', data: { n } });
      const runId = String(event.verdicts[0].run_id);
      const gateId = await until('the gate is open', async () => {
        const { items } = await call(`${api}/gates?run_id=${runId}&status=open`);
        return items[0]?.gate_id as string | undefined;
      });
      return { runId, gateId };
    }

    async function approve(api: string, { runId, gateId }: { runId: string; gateId: string }): Promise<void> {
      await call(`${api}/gates/${gateId}/decide`, { decision: 'approve' });
      await hasCompleted(api, runId);
    }

    const hasCompleted = (api: string, runId: string): Promise<boolean> =>
      until('the run has completed', async () => (await call(`${api}/runs/${runId}`)).status === 'completed');

    /** What happens while the backup is taken. */
    async function whileBusy(api: string, work: Promise<unknown>): Promise<void> {
      const state = { isDone: false };
      const done = work.finally(() => (state.isDone = true));
      for (let n = 0; !state.isDone; n += 1) await call(`${api}/events`, { event_name: 'backup.noise', data: { n } });
      await done;
    }

    it('of a system at work restores one that goes on', async () => {
      const [source, target] = databases as [EmptyDatabase, EmptyDatabase];
      const backup = path.join(dir, 'backup');
      await mkdir(backup);
      const env = { PATH: process.env['PATH'], BACKUP: backup };
      const first = await startAll(source, stateOf('first'));
      const document = `id: ${id}\nname: Backup\ntrigger: {event_type: backup.begin}\ninputs: [{name: n}]\nplan:${post('before')}
  - {id: ok, kind: gate, mode: manual}${post('after')}\n`;
      await call(`${first}/blueprints`, document);
      const kept = await call(`${first}/artifacts`, { name: 'kept.txt', content_base64: 'aGVsbG8=' });
      const ended = await waitingRun(first, 'ended');
      await approve(first, ended);
      const later = await waitingRun(first, 'later');
      const open = await waitingRun(first, 'open');

      const taken = { ...env, DATABASE_OWNER_URL: source.ownerUrl, XYN_STATE_DIR: stateOf('first') };
      await whileBusy(first, run('/bin/sh', ['-euc', await commandsOf('Back up')], { env: taken }));
      // The catalog of the backup does not know this end; Temporal does.
      await approve(first, later);
      await stopAll();

      const put = { ...env, DATABASE_OWNER_URL: target.ownerUrl, XYN_STATE_DIR: stateOf('second') };
      await mkdir(stateOf('second'));
      await run('/bin/sh', ['-euc', await commandsOf('Restore')], { env: put });
      // As if the restore had taken an hour: a run without news for 15 s is compared with what Temporal knows of it.
      await asAdmin(target.ownerUrl, ["UPDATE runs SET last_progress_at = last_progress_at - interval '1 hour'"]);
      const second = await startAll(target, stateOf('second'));
      const listed = await call(`${second}/runs?blueprint_id=${id}`);
      expect((listed.items as { run_id: string }[]).map((one) => one.run_id).sort()).toEqual(
        [ended, later, open].map(({ runId }) => runId).sort(),
      );
      expect(await call(`${second}/audit/verify`)).toMatchObject({ ok: true });
      const bytes = await fetch(`${second}/artifacts/${kept.artifact_id}/download`);
      expect(await bytes.text()).toBe('hello');
      await approve(second, open);
      await hasCompleted(second, later.runId);
      expect(await call(`${second}/audit/verify`)).toMatchObject({ ok: true });
      for (const step of ['/before', '/after']) {
        expect(
          sink
            .effects(step)
            .map(({ body }) => body)
            .sort(),
        ).toEqual(['ended', 'later', 'open']);
      }
    }, 180_000);
  });
});
