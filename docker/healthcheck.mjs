// Whether the process of this container is well: an API answers on its port, a worker has said within 30 s that it works.
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';

const STALE_MS = 30_000;
const ANSWER_MS = 4_000;
const main = readFileSync('/proc/1/cmdline', 'utf8');
if (main.includes('xyn-worker')) {
  const file = path.join(process.env.XYN_STATE_DIR ?? '.xyn', 'run', `worker-${hostname()}.alive`);
  const ageMs = Date.now() - statSync(file).mtimeMs;
  if (ageMs > STALE_MS) throw new Error(`the worker has said nothing for ${Math.round(ageMs / 1_000)} s`);
} else {
  const port = process.env.XYN_PORT || '7420';
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/health`, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (answer.status !== 200) throw new Error(`the API answers ${answer.status}`);
}
