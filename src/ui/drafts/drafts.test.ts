import { describe, expect, it } from '@jest/globals';
import type { DraftDto } from '../../domain/drafts.js';
import { Parts } from '../parts/parts.js';
import { draftsMain } from './drafts.js';

const ui = new Parts({ now: Date.parse('2026-11-22T12:00:00Z'), zone: 'UTC' });
const draft = (status: DraftDto['status']): DraftDto =>
  ({
    draft_id: 'd',
    kind: 'blueprint',
    name: 'one',
    status,
    is_valid: status === 'draft' ? null : true,
    revision: 1,
    blueprint_id: null,
    base_version: null,
    updated_at: '2026-11-22T11:00:00.000Z',
    updated_by: 'ann',
  }) as unknown as DraftDto;

function headline(statuses: readonly DraftDto['status'][], place: { older?: string; isLater?: boolean } = {}): string {
  const { older = null, isLater = false } = place;
  const view = { drafts: statuses.map(draft), older, isLater, csrf: '', name: '', problem: null };
  const [, words = ''] = draftsMain(view, ui)
    .toString()
    .split(/<\/?h1[^>]*>/);
  return words;
}

describe('the headline of the drafts', () => {
  it.each([
    [[], 'No draft is here yet.'],
    [['draft'], 'One draft is not ready to promote yet.'],
    [['validated'], 'One draft is ready to promote.'],
    [['draft', 'draft'], 'Two drafts, none ready to promote yet.'],
    [['validated', 'draft', 'promoted'], 'One of two drafts is ready to promote.'],
    [['validated', 'validated', 'draft'], 'Two of three drafts are ready to promote.'],
    [['validated', 'validated'], 'Two drafts are ready to promote.'],
    [['promoted'], 'The one draft was promoted.'],
    [['promoted', 'promoted'], 'Every draft was promoted.'],
  ] as const)('of %j says what can be promoted', (statuses, said) => {
    expect(headline(statuses)).toBe(said);
  });

  it('speaks of what the page lists where there are more', () => {
    expect(headline(['draft', 'validated'], { older: '/older' })).toBe('Of these 2 drafts one is ready to promote.');
    expect(headline(['draft', 'promoted'], { isLater: true })).toBe('Of these 2 drafts none is ready to promote.');
    expect(headline(['validated', 'validated'], { isLater: true })).toBe('Of these 2 drafts two are ready to promote.');
  });
});
