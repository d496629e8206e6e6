import type { ActionNode, Plan, Val } from '../../src/domain/plan.js';
import { PACKS } from '../../src/registry/packs.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { action, gate, planOf, transform } from '../support/plans.js';
import type { Sink } from '../support/sink.js';

const contract = new ActionRegistry(PACKS).find('http.call')?.contract ?? '';
const pack = 'core@0.1.0';

const ref = (...keys: string[]): Val =>
  ({ $: keys.slice(1).reduce<unknown>((tree, key) => ['.', tree, key], ['v', keys[0]]) }) as Val;

/** A POST that names its run and step; keyed when the target is told a key. */
function post(sink: Sink, id: string, keyed: boolean): ActionNode {
  return action(id, {
    with: {
      url: sink.url(`/${id}`),
      method: 'POST',
      ...(keyed ? { idempotency_header: 'Idempotency-Key' } : {}),
      body: { run: ref('run', 'id'), step: id },
    },
    idempotency: keyed ? 'keyed' : 'none',
  });
}

function read(sink: Sink, id: string): ActionNode {
  return action(id, { with: { url: sink.url(`/${id}`) }, effect: 'read', idempotency: 'safe' });
}

/** Three keyed effects with a gate between the first two and a reading step before the last. */
export function keyedPlan(sink: Sink): Plan {
  return planOf(
    [
      transform('facts', [['label', ref('event', 'data', 'host')]]),
      post(sink, 'prepare', true),
      gate('ok', { message: 'Go on?' }),
      post(sink, 'fix', true),
      read(sink, 'look'),
      post(sink, 'finish', true),
    ],
    {
      id: 'fault.keyed',
      actions: { 'http.call': { pack, contract } },
      triggers: [{ kind: 'event', event: 'fault.keyed' }],
      outputs: {
        label: ref('steps', 'facts', 'outputs', 'label'),
        status: ref('steps', 'finish', 'outputs', 'status'),
      },
    },
  );
}

/** An effect that must never be repeated blindly, and a keyed one after it. */
export function oncePlan(sink: Sink): Plan {
  return planOf([post(sink, 'once', false), post(sink, 'after', true)], {
    id: 'fault.once',
    actions: { 'http.call': { pack, contract } },
    triggers: [{ kind: 'event', event: 'fault.once' }],
  });
}

/** The shortest run that needs every part. */
export function probePlan(sink: Sink): Plan {
  return planOf([post(sink, 'probe', true)], {
    id: 'fault.probe',
    actions: { 'http.call': { pack, contract } },
    triggers: [{ kind: 'event', event: 'fault.probe' }],
  });
}
