import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.(eta|ts)$/.test(name) && !/\.test\.ts$|^browser\//.test(name),
);
const textOf = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8');

describe('templates', () => {
  it('never write anything raw', () => {
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.filter((name) => name.endsWith('.eta') && textOf(name).includes('<%~'))).toEqual([]);
  });

  it('hold no style and no script of their own, and no attribute that runs', () => {
    const forbidden = /\sstyle\s*=|<style|<script(?![^>]*\bsrc=)|\son[a-z]+\s*=\s*["'`]|javascript:/i;
    expect(sources.filter((name) => forbidden.test(textOf(name)))).toEqual([]);
  });

  it('make markup from text in the one place that escapes', () => {
    const makers = sources.filter((name) => textOf(name).includes('new Html('));
    expect(makers.sort()).toEqual(['html.ts', 'template.ts']);
  });
});
