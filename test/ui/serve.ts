import { startScreens } from './support/screens.js';

// A server with the screens over a seeded catalog, for looking at them: `node dist/test/ui/serve.js [port] [empty]`.
const [port = '7430', content] = process.argv.slice(2);
const screens = await startScreens({ port: Number(port), empty: content === 'empty', samples: content !== 'empty' });
process.stdout.write(`${screens.url}/ui\n`);
process.once('SIGINT', () => void screens.close());
process.once('SIGTERM', () => void screens.close());
