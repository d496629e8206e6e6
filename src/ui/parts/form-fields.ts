import { html, join, type Html } from '../html.js';
import { template } from '../template.js';
import type { Parts } from './parts.js';
import type { FormField } from './schema-form.js';

const fieldsTemplate = template<{ fields: readonly FormField[] }>(import.meta.url, './form-fields.eta');

/** The fields of a form that a JSON Schema describes, with what is wrong under each. */
export function fieldsOf(fields: readonly FormField[], ui: Parts): Html {
  return join(linesOf(fields).map((line) => drawn(line, ui)));
}

/** Two short fields that follow one another share a line; one alone has the line that all others have. */
function linesOf(fields: readonly FormField[]): FormField[][] {
  const lines: FormField[][] = [];
  for (const field of fields) {
    const last = lines.at(-1);
    if (last?.length === 1 && last[0]?.isShort === true && field.isShort) last.push(field);
    else lines.push([field]);
  }
  return lines;
}

function drawn(line: readonly FormField[], ui: Parts): Html {
  const fields = fieldsTemplate({ fields: line }, ui);
  return line.length === 1 ? fields : html`<div class="field-pair">${fields}</div>`;
}
