import { gateForms, gatePages } from './gate-pages.js';
import type { UiForm, UiPage } from './page.js';

/** Every page. Where two paths fit an address, the first one is taken. */
export const pages: readonly UiPage[] = [...gatePages];

/** Every form. */
export const forms: readonly UiForm[] = [...gateForms];
