import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { writeRecords } from '../../src/catalog/records.js';
import { enginesOf, startContainerSweep } from '../../src/main/container-sweep.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { BUSYBOX, noteDocker, startDocker, type DockerDaemon } from '../support/docker.js';
import { describeWith } from '../support/parts.js';
import { batchOf, endOf, insertRun, startOf } from '../support/records.js';
import { until } from '../support/until.js';

noteDocker();
const noSecret = (): Promise<string> => Promise.reject(new Error('no engine here has a key'));
let db: TestDatabase;
let daemon: DockerDaemon;

describeWith('docker')('containers that their worker left behind', () => {
  beforeAll(async () => {
    [db, daemon] = await Promise.all([freshDatabase(), startDocker()]);
  });
  afterAll(async () => {
    await daemon.stop();
    await db.drop();
  });

  const start = (runId: string, attempt: number): Promise<string> =>
    daemon.docker(
      ...['run', '--detach', '--network=none', '--label', `xyn.run_id=${runId}`, '--label', 'xyn.step=fix'],
      ...['--label', `xyn.attempt=${attempt}`, BUSYBOX, '/bin/sleep', '1000'],
    );

  it('are removed when the attempt is over, and only then', async () => {
    const [open, closed] = [await insertRun(db.catalog), await insertRun(db.catalog)];
    await writeRecords(
      db.catalog,
      batchOf({ begins: [startOf(open), startOf(open, { attempt: 2 }), startOf(closed)] }),
    );
    await writeRecords(db.catalog, batchOf({ ends: [endOf(open, { status: 'failed' })] }));
    await db.catalog.pool.query(`UPDATE runs SET status = 'cancelled' WHERE run_id = $1`, [closed]);
    const gone = [await start(open, 1), await start(closed, 1)];
    const kept = [await start(open, 2), await start(randomUUID(), 1), await start('no-run', 1)];
    kept.push(await daemon.docker('run', '--detach', '--network=none', BUSYBOX, '/bin/sleep', '1000'));

    const said: string[] = [];
    const note = (facts: Record<string, unknown>, message: string): void =>
      void said.push(`${message} ${JSON.stringify(facts)}`);
    const log = { debug: note, info: note, warn: note, error: note };
    const engines = enginesOf({ address: daemon.address }, []);
    const sweep = startContainerSweep({ catalog: db.catalog, engines, secret: noSecret, log });
    try {
      await until('the sweep is done', () => said.length > 0);
    } finally {
      await sweep.stop();
    }
    expect(said).toEqual([expect.stringContaining('"removed":2')]);
    const left = (await daemon.docker('ps', '--all', '--quiet', '--no-trunc')).split('\n');
    expect(left.sort()).toEqual(kept.sort());
    expect(left).not.toEqual(expect.arrayContaining(gone));
  });

  it('are looked for once per engine, and not where there is no socket', async () => {
    const target = { name: 'web1', address: 'a', port: 22, user: 'ops', hostKey: '', labels: {} };
    const local = { address: 'unix:///nowhere/docker.sock' };
    const engines = enginesOf(local, [
      target,
      { ...target, engine: local },
      { ...target, engine: { address: 'tcp://a:1' } },
    ]);
    expect(engines.map(({ engine }) => engine.address)).toEqual([local.address, 'tcp://a:1']);
    const said: string[] = [];
    const note = (_facts: unknown, message: string): void => void said.push(message);
    const log = { debug: note, info: note, warn: note, error: note };
    const sweep = startContainerSweep({
      catalog: db.catalog,
      engines: engines.slice(0, 1),
      secret: noSecret,
      log,
    });
    await sweep.stop();
    expect(said).toEqual([]);
  });
});
