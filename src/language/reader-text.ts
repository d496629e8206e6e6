import type { Problem } from './problem.js';
import { placesIn } from './source.js';

/** Bytes of a document (language §9). */
const MAX_BYTES = 512 * 1024;
/** All control characters but tab, line feed and carriage return. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
const HALF_CHARACTER = /\p{Surrogate}/u;

/** Something about a text's characters that no document may have. */
export interface BadCharacter {
  code: 'yaml_control_char' | 'encoding_invalid';
  /** Offset in the text looked at. */
  offset: number;
  message: string;
}

/** The first control character or half a character of a text, written out or by an escape. */
export function badCharacter(text: string): BadCharacter | undefined {
  const control = text.search(CONTROL);
  if (control !== -1) {
    const code = text.charCodeAt(control).toString(16).toUpperCase().padStart(4, '0');
    const message = `The control character U+${code} may not stand in a blueprint.`;
    return { code: 'yaml_control_char', offset: control, message };
  }
  const half = text.search(HALF_CHARACTER);
  if (half === -1) return undefined;
  return { code: 'encoding_invalid', offset: half, message: 'Half a character (an unpaired surrogate) is no text.' };
}

/** The text of a document's bytes, without a byte order mark, or the one problem with them. */
export function textOf(bytes: Uint8Array): { text: string } | { problem: Problem } {
  if (bytes.length > MAX_BYTES) {
    const message = `The document has ${bytes.length} bytes, more than ${MAX_BYTES} (512 KiB).`;
    const suggestion = 'split it into child blueprints';
    return {
      problem: { code: 'body_too_large', severity: 'error', path: '', line: 1, column: 1, message, suggestion },
    };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const bad = badCharacter(text);
    if (bad === undefined) return { text };
    const place = placesIn(text)(bad.offset);
    return { problem: { code: bad.code, severity: 'error', path: '', ...place, message: bad.message } };
  } catch {
    return { problem: notUtf8(bytes) };
  }
}

function notUtf8(bytes: Uint8Array): Problem {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return {
    code: 'encoding_invalid',
    severity: 'error',
    path: '',
    ...placeOfBadByte(bytes),
    message: isUtf16 ? 'The document is UTF-16, not UTF-8.' : 'The document is not UTF-8.',
    suggestion: 'save it as UTF-8',
  };
}

function placeOfBadByte(bytes: Uint8Array): { line: number; column: number } {
  const replaced = new TextEncoder().encode(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  let at = 0;
  while (at < bytes.length && bytes[at] === replaced[at]) at += 1;
  // As a stream: the start of a broken character gives nothing yet.
  const before = new TextDecoder('utf-8').decode(bytes.subarray(0, at), { stream: true });
  return placesIn(before)(before.length);
}
