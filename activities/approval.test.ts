import { describe, expect, it } from '@jest/globals';
import { XynFault } from '../src/domain/fault.js';
import { beginProof } from './approval.js';

const step = { path: 'act', action: 't.act', input: {} };
const { signal } = new AbortController();

/** A catalog that gives these answers, one after the other. */
function answering(...answers: (string | undefined | Error)[]) {
  const asked: string[] = [];
  const check = (runId: string): Promise<string | undefined> => {
    asked.push(runId);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { asked, prove: beginProof({ check }, { runId: 'r', gates: ['ok'], step }) };
}

describe('the proof of an approval', () => {
  it('is asked for once, before the attempt is written', async () => {
    const { asked, prove } = answering(undefined, 'a second question');
    expect(asked).toEqual(['r']);
    await prove(signal);
    expect(asked).toEqual(['r']);
  });

  it.each([['The catalog has no gate ok.'], [new XynFault('db_unavailable', 'away')]])(
    'is asked for again when the gate comes with the attempt (%s)',
    async (before) => {
      const { asked, prove } = answering(before, undefined);
      await prove(signal);
      expect(asked).toEqual(['r', 'r']);
    },
  );

  it('fails the attempt when the attempt is written and there is still none', async () => {
    const { prove } = answering('The catalog has no gate ok.', 'Gate ok has 0 recorded approvals and needs 1.');
    await expect(prove(signal)).rejects.toMatchObject({
      facts: { code: 'approval_stale', message: 'Gate ok has 0 recorded approvals and needs 1.', retryable: false },
    });
  });

  it('is none of a step without gates', async () => {
    const check = () => Promise.reject(new Error('asked'));
    await expect(beginProof({ check }, { runId: 'r', gates: [], step })(signal)).resolves.toBeUndefined();
  });
});
