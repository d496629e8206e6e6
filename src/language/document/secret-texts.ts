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

const KEY = new RegExp(KEY_FORMS.map(({ source }) => source).join('|'));

/** Reports every text of a document that looks like a key. The text itself is never repeated. */
export function checkSecretTexts(report: Report, json: Json): void {
  if (holdsKey(json)) reportKeys(report, json, '');
}

/** Hardly any document does: for those that do not, no pointer is written. */
function holdsKey(json: Json): boolean {
  if (typeof json === 'string') return keyAt(json) !== undefined;
  if (Array.isArray(json)) return json.some(holdsKey);
  return isJsonObject(json) && Object.values(json).some(holdsKey);
}

function keyAt(text: string): number | undefined {
  const at = text.search(KEY);
  return at === -1 ? undefined : at;
}

function reportKeys(report: Report, json: Json, pointer: string): void {
  if (typeof json === 'string') {
    const offset = keyAt(json);
    if (offset === undefined) return;
    const message = 'This looks like a key: documents are stored and shown, so they hold paths of secrets only.';
    report.add('secret_literal', pointer, message, { offset, suggestion: '{secret: path}' });
  } else if (Array.isArray(json)) {
    json.forEach((item, ix) => reportKeys(report, item, `${pointer}/${ix}`));
  } else if (isJsonObject(json)) {
    for (const [key, member] of Object.entries(json)) reportKeys(report, member, `${pointer}/${pointerToken(key)}`);
  }
}
