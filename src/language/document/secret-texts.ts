import { isJsonObject, type Json } from '../../domain/json.js';
import { pointerToken } from '../source.js';
import type { Report } from './report.js';

/** Texts that are keys of well-known services by their form. Each has a fixed mark, so that prose never fits. */
const KEY_FORMS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36,}\b/,
  /\bgithub_pat_[A-Za-z0-9_]{22,}\b/,
  /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}\b/,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}\b/,
  /\bglpat-[A-Za-z0-9_-]{20,}\b/,
];

/** Reports every text of a document that looks like a key. The text itself is never repeated. */
export function checkSecretTexts(report: Report, json: Json, pointer = ''): void {
  if (typeof json === 'string') {
    const offset = KEY_FORMS.map((form) => json.search(form)).find((at) => at !== -1);
    if (offset === undefined) return;
    const message = 'This looks like a key: documents are stored and shown, so they hold paths of secrets only.';
    report.add('secret_literal', pointer, message, { offset, suggestion: '{secret: path}' });
  } else if (Array.isArray(json)) {
    json.forEach((item, ix) => checkSecretTexts(report, item, `${pointer}/${ix}`));
  } else if (isJsonObject(json)) {
    for (const [key, member] of Object.entries(json))
      checkSecretTexts(report, member, `${pointer}/${pointerToken(key)}`);
  }
}
