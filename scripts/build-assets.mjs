// The files that pages load: one stylesheet, one script, the sprite and the icon; and the templates beside the code.
import { mkdirSync, readdirSync, readFileSync, writeFileSync, copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { minify, transform } from '@swc/core';

const require = createRequire(import.meta.url);

/** Own code of the browser, in the order in which it is put together: what is imported comes first. */
const OWN = [
  'duration.ts',
  ...['page', 'clocks', 'morph', 'live', 'dialogs', 'in-place', 'drag-range', 'keyboard', 'when-painted', 'main'].map(
    (name) => `browser/${name}.ts`,
  ),
];
/** Own code of the editor's page alone. */
const EDITOR = ['code-line.ts', 'browser/editor-text.ts', 'browser/editor.ts'];
/** Taken as they are published, minified by their authors. */
const LIBRARIES = ['htmx.org/dist/htmx.min.js', 'idiomorph/dist/idiomorph-ext.min.js'];

function smallCss(text) {
  return text
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .replace(/: /g, ':')
    .replace(/;}/g, '}')
    .trim();
}

/** @param {string} ui @param {readonly string[]} files */
async function ownScript(ui, files) {
  const parts = await Promise.all(
    files.map(async (file) => {
      const { code } = await transform(readFileSync(join(ui, file), 'utf8'), {
        filename: file,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
      });
      // The modules share one scope, in which every name is declared once: a second declaration is a syntax error below.
      return code
        .replace(/^import [^;]*;$/gm, '')
        .replace(/(^|\*\/ )export (?=(async )?(function|const|let|class) )/gm, '$1');
    }),
  );
  const { code } = await minify(`(()=>{${parts.join('\n')}})();`, {
    compress: true,
    mangle: true,
    module: false,
  });
  if (/^\s*(import|export)\b/m.test(code))
    throw new Error('src/ui/browser uses a form of import or export that the build does not know');
  return code;
}

function copyTemplates(folder, ui, dist) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) copyTemplates(path, ui, dist);
    else if (entry.name.endsWith('.eta')) {
      const to = join(dist, 'src', 'ui', relative(ui, path));
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(path, to);
    }
  }
}

/**
 * Writes `dist/assets` and copies the templates.
 * @param {string} root the repository
 * @param {string} dist
 */
export async function buildAssets(root, dist) {
  const ui = join(root, 'src', 'ui');
  const assets = join(dist, 'assets');
  mkdirSync(assets, { recursive: true });
  const styles = readdirSync(join(ui, 'styles')).sort();
  writeFileSync(
    join(assets, 'xyn.css'),
    smallCss(styles.map((name) => readFileSync(join(ui, 'styles', name), 'utf8')).join('\n')),
  );
  const libraries = LIBRARIES.map((name) => readFileSync(require.resolve(name), 'utf8').trim());
  // A function that is not called yet is hardly compiled: the libraries run after the first paint.
  const later = `const libraries=()=>{${libraries.join(';\n')};Object.assign(globalThis,{htmx,Idiomorph});dispatchEvent(new Event('xyn:libraries'))}`;
  writeFileSync(join(assets, 'xyn.js'), `(()=>{'use strict';${later};\n${await ownScript(ui, OWN)}})()`);
  writeFileSync(join(assets, 'editor.js'), await ownScript(ui, EDITOR));
  for (const name of ['glyphs.svg', 'favicon.svg']) {
    writeFileSync(join(assets, name), readFileSync(join(ui, 'icons', name), 'utf8').replace(/\n\s*/g, ''));
  }
  copyTemplates(ui, ui, dist);
}
