import { z } from 'zod';
import { VIEWS } from '../../ui/shell/navigation.js';
import { cookie } from './cookies.js';
import { form } from './page.js';

const body = z.strictObject({
  view: z.enum(VIEWS).optional(),
  theme: z.enum(['light', 'dark']).optional(),
  /** Where the form stood; only pages of ours. */
  back: z
    .string()
    .max(2_000)
    .regex(/^\/ui(?:[/?][^\\\r\n]*)?$/)
    .catch('/ui'),
});

/** View and theme, kept in the browser. */
export const preferencesForm = form({
  path: '/preferences',
  privilege: 'open',
  body,
  handle: async (call) => {
    const { view, theme, back } = call.body;
    const cookies = [
      ...(view === undefined ? [] : [cookie('xyn_view', view)]),
      ...(theme === undefined ? [] : [cookie('xyn_theme', theme)]),
    ];
    return { location: back, cookies };
  },
});
