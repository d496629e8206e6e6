import { z } from 'zod';
import { jsonObject, uuid } from './common.js';
import { runSchema } from './run.js';

/** One action to be carried out by itself. */
export const executeActionRequest = z
  .strictObject({
    request_id: uuid.meta({ description: 'The same id with the same call is carried out once.' }),
    action: z
      .string()
      .max(100)
      .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/, 'must be the name of an action, like http.call'),
    with: jsonObject.default({}).meta({ description: 'The input of the action, as `with` of a step has it.' }),
    timeout: z
      .string()
      .regex(/^[1-9]\d{0,5}(ms|s|m|h|d)$/, 'must be a duration like 30s')
      .exactOptional(),
  })
  .meta({ id: 'ExecuteAction' });

export const actionExecutedSchema = z.object({ request_id: uuid, run: runSchema }).meta({ id: 'ActionExecuted' });
