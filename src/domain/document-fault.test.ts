import { describe, expect, it } from '@jest/globals';
import { documentAnswer, invalidDocument } from './document-fault.js';
import { XynFault } from './fault.js';

const problem = { code: 'field_unknown', severity: 'error' as const, path: '/a', line: 2, column: 3, message: 'What?' };

describe('a document that cannot be used', () => {
  it('tells the first error and counts the others', () => {
    const warning = { ...problem, severity: 'warning' as const, line: 1 };
    const fault = invalidDocument([warning, problem, problem]);
    expect(fault.message).toBe(
      'The document is not a valid blueprint. Line 2, column 3: What? (and 1 more, see details)',
    );
    expect(fault.details).toEqual({ is_valid: false, problems: [warning, problem, problem] });
    expect(invalidDocument([problem]).message).not.toContain('more');
  });

  it('answers with the code of the first error, and with nothing where there is none', () => {
    const answer = (code: string) => documentAnswer(invalidDocument([{ ...problem, code }]));
    expect(answer('field_unknown')).toEqual({ code: 'field_unknown', status: 422 });
    expect(answer('yaml_depth')).toEqual({ code: 'yaml_depth', status: 400 });
    expect(answer('body_too_large')).toEqual({ code: 'body_too_large', status: 413 });
    expect(documentAnswer(invalidDocument([]))).toBeUndefined();
    expect(documentAnswer(new XynFault('blueprint_invalid', 'x'))).toBeUndefined();
    expect(documentAnswer(new XynFault('internal', 'x'))).toBeUndefined();
  });
});
