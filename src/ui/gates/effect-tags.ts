import { plural } from '../format.js';
import type { DecisionAction } from './actions.js';

/** What an action of a gate does, as lists say it. */
export type Effect = Pick<DecisionAction, 'action' | 'effect' | 'targets'>;

/** How many actions of each effect a gate lets run, the gravest last as on its own page. */
export function effectTags(effects: readonly Effect[]): { text: string; look: string }[] {
  const of = (wanted: Effect['effect']): number => effects.filter(({ effect }) => effect === wanted).length;
  const [reads, writes, finals, agents, unknown] = [
    of('read'),
    of('write'),
    of('destructive'),
    of('agent'),
    of('unknown'),
  ];
  return [
    { count: reads, text: plural(reads, 'read'), look: '' },
    { count: agents, text: agents === 1 ? 'asks a model' : `asks a model ${agents} times`, look: '' },
    { count: writes, text: plural(writes, 'write'), look: 'write' },
    { count: unknown, text: `${plural(unknown, 'action')}, effect not known`, look: 'write' },
    { count: finals, text: effects.length === 1 ? 'cannot be undone' : `${finals} cannot be undone`, look: 'final' },
  ].flatMap(({ count, text, look }) => (count === 0 ? [] : [{ text, look }]));
}
