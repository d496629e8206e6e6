import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { ApiClient } from '../../src/client/api-client.js';
import type { JsonObject } from '../../src/domain/json.js';
import { until } from '../support/until.js';
import { XynProcesses } from '../support/xyn-processes.js';

const PROPOSED = 'bp.proposed';
/** What the run proposes: a blueprint that an event starts. */
const proposal = `api: xyn/v1
id: ${PROPOSED}
triggers: [{event: app.failed, inputs: {app: "{{ event.data.app }}"}}]
inputs: {app: string}
plan:
  - {kind: transform, id: note, set: {text: "{{ 'restart ' + inputs.app }}"}}
outputs: {text: "{{ steps.note.outputs.text }}"}
`;
const proposing = `api: xyn/v1
id: bp.meta.propose
inputs: {name: string, definition: string}
plan:
  - kind: action_task
    id: save
    action: drafts.save
    with:
      draft_type: blueprint
      name: "{{ inputs.name }}"
      trigger_event_type: app.failed
      definition: "{{ inputs.definition }}"
      source_run_id: "{{ run.id }}"
  - {kind: action_task, id: check, action: blueprints.validate, with: {draft_id: "{{ steps.save.outputs.draft_id }}"}}
  - kind: transform
    id: judged
    set: {ok: "{{ steps.check.outputs.is_valid }}"}
    assert: [{that: steps.judged.outputs.ok, code: no_valid_proposal, message: the proposal is not valid}]
  - {kind: gate, id: review, mode: manual, message: "Promote {{ inputs.name }}?"}
  - {kind: action_task, id: promote, action: blueprints.promote, with: {draft_id: "{{ steps.save.outputs.draft_id }}"}}
outputs:
  blueprint_id: "{{ steps.promote.outputs.blueprint_id }}"
  version: "{{ steps.promote.outputs.version }}"
`;

let processes: XynProcesses;
let client: ApiClient;

/** The end of a run. */
const ended = (runId: string) =>
  until('the run ends', async () => {
    const run = await client.getRun(runId);
    return run.completed_at === null ? undefined : run;
  });

/** Emits the event that the proposed blueprint waits for; gives what its run gave. */
async function failApp(app: string): Promise<{ version: number | null; outputs: JsonObject | null }> {
  const { verdicts } = await client.emitEvent({ event_name: 'app.failed', data: { app } });
  expect(verdicts).toMatchObject([{ blueprint_id: PROPOSED, verdict: 'started' }]);
  const { status, outputs, blueprint_version: version } = await ended(verdicts[0]?.run_id ?? '');
  expect(status).toBe('completed');
  return { version, outputs };
}

describe('a blueprint that proposes a blueprint', () => {
  beforeAll(async () => {
    processes = await XynProcesses.start({ name: 'selfbuild', workerEnv: { XYN_AGENTS: 'scripted' } });
    client = new ApiClient({ url: processes.apiUrl, actor: 'ann' });
    expect(await client.applyBlueprint(Buffer.from(proposing))).toMatchObject({ created: true });
  }, 120_000);

  afterAll(async () => {
    await (processes as XynProcesses | undefined)?.stopAll();
  });

  it('saves, validates, waits for a person and promotes; events start the result at once and after a restart', async () => {
    const nobody = await client.emitEvent({ event_name: 'app.failed', data: { app: 'shop' } });
    expect(nobody.verdicts).toEqual([]);
    const inputs = { name: PROPOSED, definition: proposal };
    const { run_id: runId } = await client.startRun({ blueprint_ref: 'bp.meta.propose', inputs });
    const gate = await until('its gate opens', async () => {
      const { items } = await client.listGates({ run_id: runId, status: 'open' });
      return items[0];
    });
    // Before the decision there is a valid draft, and no blueprint.
    const { items: before } = await client.listDrafts({});
    expect(before).toMatchObject([{ name: PROPOSED, status: 'validated', created_by: 'ann', revision: 1 }]);
    expect(before[0]?.content).toMatchObject({ source_run_id: runId });
    const { items: blueprints } = await client.listBlueprints({});
    expect(blueprints.map((one) => one.blueprint_id)).toEqual(['bp.meta.propose']);
    await client.decideGate(gate.gate_id, { decision: 'approve' });
    const run = await ended(runId);
    expect(run).toMatchObject({ status: 'completed', outputs: { blueprint_id: PROPOSED, version: '1' } });

    expect(await failApp('shop')).toEqual({ version: 1, outputs: { text: 'restart shop' } });
    await processes.kill('api');
    await processes.kill('worker');
    await processes.restart('api');
    await processes.restart('worker');
    client = new ApiClient({ url: processes.apiUrl, actor: 'ann' });
    expect(await failApp('cart')).toEqual({ version: 1, outputs: { text: 'restart cart' } });

    const { items: trail } = await client.listAudit({ run_id: runId, limit: 200 });
    expect(trail.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['draft.save', 'draft.validate', 'gate.decide', 'draft.promote', 'blueprint.activate']),
    );
    const { items: events } = await client.listEvents({ event_name: 'xyn.blueprint.promoted', run_id: runId });
    expect(events).toMatchObject([{ actor: 'ann', run_id: runId, data: { blueprint_id: PROPOSED, version: 1 } }]);
    expect(processes.unexpectedEnds).toEqual([]);
  }, 120_000);

  it('stops at a proposal that is not valid: nothing becomes active', async () => {
    const inputs = { name: 'bp.broken', definition: 'id: bp.broken\nplan: 7\n' };
    const { run_id: runId } = await client.startRun({ blueprint_ref: 'bp.meta.propose', inputs });
    expect(await ended(runId)).toMatchObject({ status: 'failed', error: { code: 'no_valid_proposal' } });
    expect((await client.listDrafts({ q: 'bp.broken' })).items).toMatchObject([{ status: 'draft', is_valid: false }]);
  }, 60_000);

  it('ships as a blueprint that asks a model three times; without one it says that no try was valid', async () => {
    const shipped = await readFile(new URL('../../blueprints/self-building.yaml', import.meta.url));
    expect(await client.applyBlueprint(shipped)).toMatchObject({ created: true, warnings: [] });
    const inputs = { wish: 'restart a unit', name: 'bp.unit.restart', event_type: 'unit.failed' };
    const { run_id: runId } = await client.startRun({ blueprint_ref: 'bp.meta.propose_blueprint', inputs });
    expect(await ended(runId)).toMatchObject({ status: 'failed', error: { code: 'no_valid_proposal' } });
    // The scripted provider says the same each time, and the same definition is the same revision.
    const { items } = await client.listDrafts({ q: 'bp.unit.restart' });
    expect(items).toMatchObject([{ revision: 1, status: 'draft', is_valid: false }]);
    const steps = await until('its records are written', async () => {
      const seen = await client.steps(runId);
      return seen.some(({ path }) => path === 'tries[2].check') && seen;
    });
    expect(steps.filter(({ node_id: id, status }) => id === 'write' && status === 'completed')).toHaveLength(3);
  }, 60_000);
});
