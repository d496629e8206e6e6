import { z } from 'zod';
import { defineAction } from '../../../src/domain/action.js';
import { isFileName } from '../../../src/domain/file-name.js';
import { withFaults } from './faults.js';

const inputSchema = z.strictObject({
  name: z
    .string()
    .max(255)
    .refine(isFileName, 'must be a plain file name: no folders, no control characters, no - or . in front')
    .meta({ description: 'Under which name people download it, such as report.json.' }),
  content: z.json().meta({
    description: 'A text is kept as it is, an artifact of this run by its bytes, everything else as JSON.',
  }),
  content_type: z
    .string()
    .max(200)
    .regex(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}(; ?charset=[a-z0-9-]{1,40})?$/i)
    .meta({ description: 'Default: by the end of the name, else by the content.' })
    .optional(),
});
const outputSchema = z.strictObject({ artifact: z.string(), name: z.string(), sha256: z.string(), bytes: z.int() });

/** `artifacts.write` (language §3.3): keeps a file with the run. */
export const artifactsWrite = defineAction<z.output<typeof inputSchema>, z.output<typeof outputSchema>>({
  name: 'artifacts.write',
  summary: 'Keeps a text, a value or a result as a file of the run.',
  input: inputSchema,
  output: outputSchema,
  traits: { effect: 'write', idempotency: 'keyed' },
  errors: {
    limit_artifact: { retryable: false, help: 'The file is larger than an artifact may be.' },
    storage_error: { retryable: true, help: 'The file could not be kept; nothing was changed.' },
  },
  examples: [
    {
      name: 'keeps a text as it is',
      input: { name: 'report.md', content: '# All is well\n' },
      output: {
        name: 'report.md',
        sha256: '35f2b97e1dc0820006b8fa5350956474247a6be04150fd7744cf028fdac2dd52',
        bytes: 14,
      },
    },
    {
      name: 'keeps a value as JSON',
      input: { name: 'hosts.json', content: { hosts: ['web-1'] } },
      output: { name: 'hosts.json', bytes: 19 },
    },
    {
      name: 'refuses what is larger than an artifact may be',
      input: { name: 'all.txt', content: 'x'.repeat(70_000) },
      error: 'limit_artifact',
    },
  ],
  execute: ({ name, content, content_type }, context) => {
    const { files } = context;
    if (files === undefined) throw new Error('This worker keeps no files.');
    const file = { name, content, ...(content_type === undefined ? {} : { content_type }) };
    return withFaults({ declared: ['limit_artifact'], later: 'storage_error' }, async () => {
      const { written, ...kept } = await files.write(context, file, context.signal);
      if (written > 0) context.used({ metric: 'artifact_bytes_written', quantity: written, unit: 'bytes' });
      return kept;
    });
  },
});
