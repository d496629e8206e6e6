import type { JsonObject } from '../json.js';
import { evaluateBool } from '../expression/evaluate.js';
import { render } from '../expression/render.js';
import type { TransformNode } from '../plan.js';
import type { Draft } from './draft.js';
import { attempt } from './attempt.js';
import { textOf } from './leaves.js';
import { beginStep, completeStep, failStep } from './steps.js';
import type { StepView } from './state.js';

/** Computes a transform at once: its entries in written order, then its assertions (language §3.1). */
export function runTransform(d: Draft, frameId: string, node: TransformNode): void {
  const path = d.pathOf(frameId, node);
  beginStep(d, frameId, node);
  const view = d.frame(frameId).steps[node.id] as StepView;
  const outputs: JsonObject = {};
  view.outputs = outputs;
  const computed = attempt(() => {
    for (const [name, value] of node.set) outputs[name] = render(value, d.scope(frameId, path));
    return firstBroken(d, frameId, path, node);
  });
  if ('fault' in computed) failStep(d, frameId, node, d.errorAt(node, path, computed.fault), 1);
  else if (computed.value) failStep(d, frameId, node, d.errorAt(node, path, computed.value), 1);
  else completeStep(d, frameId, node, outputs, { attempts: 1, note: true });
}

function firstBroken(
  d: Draft,
  frameId: string,
  path: string,
  node: TransformNode,
): { code: string; message: string; retryable: boolean } | undefined {
  for (const assertion of node.assert ?? []) {
    const scope = d.scope(frameId, path);
    if (evaluateBool(assertion.that, scope)) continue;
    const message =
      assertion.message === undefined ? 'An assertion is false.' : textOf(render(assertion.message, scope));
    return { code: assertion.code ?? 'assertion_failed', message, retryable: assertion.retryable === true };
  }
  return undefined;
}
