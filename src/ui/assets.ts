import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages load. Its name holds a hash of its content, so that browsers may keep it for ever. */
export interface Asset {
  /** Below the server's root. */
  url: string;
  contentType: string;
  bytes: Buffer;
}

const FILES = {
  style: { file: 'xyn.css', contentType: 'text/css; charset=utf-8' },
  script: { file: 'xyn.js', contentType: 'text/javascript; charset=utf-8' },
  editor: { file: 'editor.js', contentType: 'text/javascript; charset=utf-8' },
  glyphs: { file: 'glyphs.svg', contentType: 'image/svg+xml' },
  favicon: { file: 'favicon.svg', contentType: 'image/svg+xml' },
} as const;

export type AssetName = keyof typeof FILES;

/** The build writes them; this module runs from `dist/src/ui`, and in tests from `src/ui`. */
const folder = new URL(
  import.meta.url.includes('/dist/src/ui/') ? '../../assets/' : '../../dist/assets/',
  import.meta.url,
);
const loaded = new Map<AssetName, Asset>();

/** A file of the screens, read once. @throws Error when the package was not built. */
export function asset(name: AssetName): Asset {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const { file, contentType } = FILES[name];
  const bytes = readFileSync(new URL(file, folder));
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const made = { url: `/ui/assets/${file.replace('.', `.${hash}.`)}`, contentType, bytes };
  loaded.set(name, made);
  return made;
}

/** All files of the screens. */
export function assets(): Asset[] {
  return (Object.keys(FILES) as AssetName[]).map(asset);
}
