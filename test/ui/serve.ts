import { startScreens } from './support/screens.js';

// A server with the screens over a seeded catalog, for looking at them: `node dist/test/ui/serve.js [port] [empty | runs]`.
// `runs`: so many older runs, and as many events.
const [port = '7430', content = '0'] = process.argv.slice(2);
const isEmpty = content === 'empty';
const screens = await startScreens({
  port: Number(port),
  empty: isEmpty,
  samples: !isEmpty,
  history: isEmpty ? 0 : Number(content),
});
process.stdout.write(`${screens.url}/ui\n`);
process.once('SIGINT', () => void screens.close());
process.once('SIGTERM', () => void screens.close());
