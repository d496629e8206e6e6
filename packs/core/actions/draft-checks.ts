import { z } from 'zod';
import { defineAction } from '../../../src/domain/action.js';
import { MAX_DEFINITION_BYTES, type DraftDiffDto } from '../../../src/domain/drafts.js';
import type { DiffLine } from '../../../src/domain/line-diff.js';
import { DRAFT_NOT_FOUND, draftId, EXAMPLE_ID, NO_SUCH_DRAFT, requireId, withDrafts } from './draft-actions.js';

/** Scenarios and problems in the answer: a model that repairs its draft reads them. */
const MAX_TOLD = 50;

const testInput = draftId.extend({
  tests: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= MAX_DEFINITION_BYTES, {
      message: `must be at most ${MAX_DEFINITION_BYTES} bytes`,
    })
    .meta({ description: 'Scenarios, as `xynctl test` reads them, without `blueprint`. At most 512 KiB.' }),
});
const testOutput = z.strictObject({
  passed: z.boolean().meta({ description: 'There were scenarios, and every one went as it says.' }),
  report: z.json().meta({ description: 'What went otherwise: `problems` and `scenarios`, the first 50 of each.' }),
});

/** `blueprints.test`: runs scenarios of the newest revision of a draft, in virtual time. */
export const blueprintsTest = defineAction<z.output<typeof testInput>, z.output<typeof testOutput>>({
  name: 'blueprints.test',
  summary: 'Runs scenarios of the newest revision of a draft in virtual time and keeps how they went.',
  input: testInput,
  output: testOutput,
  traits: { effect: 'write', idempotency: 'keyed' },
  errors: {
    draft_not_found: DRAFT_NOT_FOUND,
    invalid_schema: { retryable: false, help: 'The draft is none of a blueprint.' },
    conflict: { retryable: false, help: 'The draft was saved while its scenarios ran.' },
  },
  examples: [
    {
      name: 'finds that a gate waits for somebody',
      input: { draft_id: EXAMPLE_ID, tests: 'scenarios: [{name: asks, gates: {ask: {decide: approve, by: ann}}}]\n' },
      output: { passed: true },
    },
    NO_SUCH_DRAFT({ tests: 'scenarios: []' }),
  ],
  execute: ({ draft_id: id, tests }, context) =>
    withDrafts(context, 'audit_unavailable', ['draft_not_found', 'invalid_schema', 'conflict'], async (drafts) => {
      requireId(id);
      const { ok, passed, failed, problems, scenarios } = await drafts.test(context, id, tests);
      const told = scenarios.filter((one) => !one.ok).slice(0, MAX_TOLD);
      const report = { passed, failed, problems: problems.slice(0, MAX_TOLD), scenarios: told };
      return { passed: ok && passed > 0, report: JSON.parse(JSON.stringify(report)) as z.core.util.JSONType };
    }),
});

/** Characters of the lines that the answer holds: a message of a gate can show them. */
const MAX_DIFF = 16 * 1024;
const SIGN = { added: '+', removed: '-', same: ' ' } as const;

const diffOutput = z.strictObject({
  summary: z.string().meta({ description: 'In some words, such as `12 lines more and 3 fewer than version 4`.' }),
  added: z.int(),
  removed: z.int(),
  diff: z
    .string()
    .meta({ 'x-taint': true, description: 'The lines that changed, with `+` and `-` in front. At most 16 KiB.' }),
});

/** `drafts.diff`: what the newest revision of a draft would change. */
export const draftsDiff = defineAction<z.output<typeof draftId>, z.output<typeof diffOutput>>({
  name: 'drafts.diff',
  summary: 'Compares the newest revision of a draft with the active version of its blueprint, line by line.',
  input: draftId,
  output: diffOutput,
  traits: { effect: 'read', idempotency: 'safe' },
  errors: { draft_not_found: DRAFT_NOT_FOUND },
  examples: [
    { name: 'tells that a blueprint is new', input: { draft_id: EXAMPLE_ID }, output: { added: 4, removed: 0 } },
    NO_SUCH_DRAFT({}),
  ],
  execute: ({ draft_id: id }, context) =>
    withDrafts(context, 'audit_unavailable', ['draft_not_found'], async (drafts) => {
      requireId(id);
      const compared = await drafts.diff(context, id);
      const { added, removed, lines } = compared;
      return { summary: summaryOf(compared), added, removed, diff: lines.map(textOf).join('\n').slice(0, MAX_DIFF) };
    }),
});

function summaryOf({ from, added, removed }: DraftDiffDto): string {
  const version = 'version' in from ? from.version : null;
  if (version === null) return `a new blueprint of ${added} lines`;
  if (added + removed === 0) return `the same as version ${version}`;
  return `${added} lines more and ${removed} fewer than version ${version}`;
}

function textOf(line: DiffLine): string {
  return line.kind === 'skipped' ? `… ${line.count} lines` : `${SIGN[line.kind]}${line.text}`;
}
