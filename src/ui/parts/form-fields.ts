import type { Html } from '../html.js';
import { template } from '../template.js';
import type { Parts } from './parts.js';
import type { FormField } from './schema-form.js';

const fieldsTemplate = template<{ fields: readonly FormField[] }>(import.meta.url, './form-fields.eta');

/** The fields of a form that a JSON Schema describes, with what is wrong under each. */
export function fieldsOf(fields: readonly FormField[], ui: Parts): Html {
  return fieldsTemplate({ fields }, ui);
}
