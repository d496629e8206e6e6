import { expect, it } from '@jest/globals';
import { Parts } from '../parts/parts.js';
import { gateInbox } from './inbox.js';

const ui = new Parts({ now: Date.parse('2026-11-22T12:00:00Z'), zone: 'UTC' });

it.each([
  ['open', 0, 'No gate is open.'],
  ['open', 1, 'One gate waits for a decision.'],
  ['open', 4, 'Four gates wait for a decision.'],
  ['open', 10_001, '10\u202f000+ gates wait for a decision.'],
  ['approved', 4, 'Gates'],
])('the inbox of %s gates says of %d open ones what it waits for', (status, open, said) => {
  const { main, fragments } = gateInbox({ status, gates: [], subjects: new Map(), older: null, open }, ui);
  expect(main.toString().split(/<\/?h1>/)[1]).toBe(said);
  // It stays true while the page is open.
  expect(fragments.map(({ id }) => id)).toContain('gate-head');
});
