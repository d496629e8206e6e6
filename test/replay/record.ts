import { installRuntime } from '../../src/temporal/worker.js';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startRecorder } from './recorder.js';
import { SITUATIONS } from './situations.js';
import { recordTicks, TICKS } from './ticks.js';
import { historyText } from './without-machine.js';

/**
 * Records histories for the replay tests: `node dist/test/replay/record.js --address HOST:PORT [--only NAME,…] [--again]`.
 * Histories of a release stay as they are once it is out, so files that exist are left alone unless `--again` is given.
 */
const root = new URL('../../../', import.meta.url);
const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1:7233' },
    only: { type: 'string' },
    again: { type: 'boolean', default: false },
  },
});
const only = values.only?.split(',');
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
const fileOf = (name: string): URL => new URL(`test/replay/histories/${version}-${name}.json`, root);
const isThere = (name: string): boolean => existsSync(fileOf(name)) || existsSync(fileOf(`${name}-1`));

installRuntime({ log: () => undefined });
const bundle = { codePath: fileURLToPath(new URL('dist/workflow-bundle.js', root)) };
const recorder = await startRecorder(values.address, bundle);
try {
  for (const situation of SITUATIONS) {
    if (only ? !only.includes(situation.name) : isThere(situation.name) && !values.again) continue;
    const histories = await recorder.record(situation);
    for (const [ix, history] of histories.entries()) {
      const name = situation.handOverAfter === undefined ? situation.name : `${situation.name}-${ix + 1}`;
      writeFileSync(fileOf(name), historyText(history));
      process.stdout.write(`${version}-${name}.json: ${history.events.length} events\n`);
    }
  }
} finally {
  await recorder.close();
}

const due = TICKS.filter(({ name }) => (only ? only.includes(name) : !isThere(name) || values.again));
const ticks = due.length === 0 ? [] : await recordTicks(values.address, bundle, due);
for (const [name, history] of ticks) {
  writeFileSync(fileOf(name), historyText(history));
  process.stdout.write(`${version}-${name}.json: ${history.events.length} events\n`);
}
