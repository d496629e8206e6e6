import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

let screens: Screens;
let ids: Map<string, string>;
beforeAll(async () => {
  screens = await startScreens({ proof: true });
  const { items } = await screens.proof.artifacts.list({ limit: 50 });
  ids = new Map(items.map(({ name, artifact_id: id }) => [name, id]));
}, 60_000);
afterAll(async () => screens.close());

async function get(address: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(screens.url + address);
  return { status: answer.status, text: (await answer.text()).replace(/\s+/g, ' ') };
}
const show = async (name: string): Promise<string> => (await get(`/ui/artifacts/${ids.get(name) ?? ''}`)).text;

describe('the artifacts', () => {
  it('are listed newest first, and narrowed by kind and run', async () => {
    const names = (text: string): string[] =>
      [...text.matchAll(/href="\/ui\/artifacts\/[^"]+"><b>([^<]+)/g)].map(([, name]) => name ?? '');
    expect(names((await get('/ui/artifacts')).text)).toHaveLength(7);
    expect(names((await get('/ui/artifacts?q=kind:log')).text)).toEqual(['patch.log']);
    expect(names((await get(`/ui/artifacts?run_id=${seededId('patch')}`)).text)).toHaveLength(7);
    expect(names((await get(`/ui/artifacts?q=run:${seededId('drain')}`)).text)).toEqual([]);
    expect((await get('/ui/artifacts/_list')).text).not.toContain('<html');
  });

  it('show text, JSON and log lines as text, with where they come from', async () => {
    const text = await show('notes.txt');
    expect(text).toContain('data-status="done"');
    expect(text).toContain('&lt;script&gt;alert(2)&lt;/script&gt;');
    expect(text).toContain('U+202E');
    expect(text).toContain(`href="/ui/runs/${seededId('patch')}?step=patch"`);
    expect(await show('facts.json')).toContain('&quot;hosts&quot;: [');
    const log = await show('patch.log');
    expect(log).toContain('data-testid="artifact-log"');
    expect(log).toMatch(/<li id="L10" class="error">.*?<\/a ?><span><span class="sr">Error: <\/span>/);
  });

  it('never run HTML or SVG, and show images from their own address', async () => {
    expect(await show('page.html')).toContain('&lt;script&gt;document.title=');
    expect(await show('drawing.svg')).toContain('&lt;svg xmlns=');
    expect(await show('screen.png')).toContain(`<img src="/api/v1/artifacts/${ids.get('screen.png') ?? ''}/download"`);
    expect(await show('dump.bin')).toContain('data-testid="no-preview"');
    for (const name of ids.keys()) expect(await show(name)).not.toMatch(/<script>|<iframe|<svg xmlns/);
  });

  it('say when the bytes are not those that were kept, and show none of them', async () => {
    const { sha256 } = await screens.proof.artifacts.get(ids.get('notes.txt') ?? '');
    const files = await readdir(screens.proof.artifactDir, { recursive: true });
    const file = files.find((name) => name.endsWith(sha256 ?? '-'));
    await appendFile(path.join(screens.proof.artifactDir, file ?? ''), 'x');
    const text = await show('notes.txt');
    expect(text).toContain('Damaged');
    expect(text).not.toContain('First line');
    expect(text).not.toContain('data-testid="artifact-download"');
  });

  it('answer 404 for one that is not', async () => {
    expect((await get(`/ui/artifacts/${seededId('none')}`)).status).toBe(404);
  });
});
