import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';

const KEYS: readonly (readonly [keys: string, text: string])[] = [
  ['Ctrl K', 'search or jump to'],
  ['/', 'filter'],
  ['j k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['[ ]', 'previous and next step'],
  ['l', 'log'],
  ['g h', 'home'],
  ['g g', 'gates'],
  ['g e', 'events'],
  ['g r', 'runs'],
  ['g b', 'blueprints'],
  ['g a', 'audit'],
  ['n', 'launch'],
  ['F8', 'next problem'],
  ['?', 'this list'],
  ['Esc', 'close'],
];

const keysTemplate = template<Record<string, unknown>>(import.meta.url, './keys.eta');

/** All keys, and the switch for those without Ctrl; a page, and a dialog where scripts run. */
export function keysMain(view: { areOn: boolean; csrf: string }, ui: Parts): Html {
  return keysTemplate({ ...view, keys: KEYS }, ui);
}
