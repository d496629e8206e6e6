// Preloaded into a process: writes the path of every file that its module graph has, ES modules and CommonJS, to the
// file that XYN_TEST_LOADED names, when it is asked to (SIGUSR2), and a line when it tells its parent that it is ready.
import { appendFileSync, writeFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Threads of a process are preloaded too.
if (isMainThread) watch(process.env.XYN_TEST_LOADED);

function watch(file) {
  writeFileSync(file, '');
  const hooks = `
import { appendFileSync } from 'node:fs';
let file;
export const initialize = (given) => { file = given; };
export async function load(url, context, next) {
  if (url.startsWith('file:')) appendFileSync(file, decodeURIComponent(new URL(url).pathname) + '\\n');
  return next(url, context);
}`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { parentURL: import.meta.url, data: file });
  const { send } = process;
  process.send = (...told) => {
    if (told[0]?.ready === true) appendFileSync(file, '-- ready\n');
    return send.apply(process, told);
  };
  const { cache } = createRequire(import.meta.url);
  process.on('SIGUSR2', () => appendFileSync(file, `${Object.keys(cache).join('\n')}\n-- end\n`));
}
