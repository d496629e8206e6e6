import { z } from 'zod';
import { keysMain } from '../../ui/shell/keys.js';
import { VIEWS } from '../../ui/shell/navigation.js';
import { cookie } from './cookies.js';
import { form, page } from './page.js';

const body = z.strictObject({
  view: z.enum(VIEWS).optional(),
  theme: z.enum(['light', 'dark']).optional(),
  /** Keys without Ctrl. */
  keys: z.enum(['on', 'off']).optional(),
  /** Where the form stood; only pages of ours. */
  back: z
    .string()
    .max(2_000)
    .regex(/^\/ui(?:[/?][^\\\r\n]*)?$/)
    .catch('/ui'),
});

/** View, theme and keys, kept in the browser. */
export const preferencesForm = form({
  path: '/preferences',
  isBelow: true,
  privilege: 'open',
  body,
  handle: async (call) => {
    const { view, theme, keys, back } = call.body;
    const cookies = [
      ...(view === undefined ? [] : [cookie('xyn_view', view)]),
      ...(theme === undefined ? [] : [cookie('xyn_theme', theme)]),
      ...(keys === undefined ? [] : [cookie('xyn_keys', keys)]),
    ];
    return { location: back, cookies };
  },
});

/** The list of keys. */
export const keysPage = page({
  path: '/keys',
  privilege: 'open',
  load: ({ ui, csrf, preferences }) => {
    const main = keysMain({ areOn: preferences.areKeysOn, csrf }, ui);
    return Promise.resolve({ title: 'Keys', nav: null, crumb: 'Keys', testId: 'page-keys', main });
  },
});
