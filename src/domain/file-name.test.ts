import { expect, it } from '@jest/globals';
import { isFileName, MAX_FILE_NAME_BYTES } from './file-name.js';

it.each(['report.md', 'Bericht Ä.pdf', 'a', 'x'.repeat(MAX_FILE_NAME_BYTES), 'conduct.txt'])('takes %j', (name) => {
  expect(isFileName(name)).toBe(true);
});

it.each([
  ...['', '.', '..', '.env', '-rf', ' a', 'a ', 'a.', '~x'],
  ...['a/b', 'a\\b', 'c:d', 'a*', 'a?', 'a"b', '<a>', 'a|b'],
  ...['a\nb', 'a\u202eb', 'a\u200bb', '\ud800', 'con', 'NUL.txt', 'com1.log'],
  'ä'.repeat(MAX_FILE_NAME_BYTES / 2 + 1),
])('refuses %j', (name) => {
  expect(isFileName(name)).toBe(false);
});
