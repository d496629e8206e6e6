import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { catalogAccess } from '../../src/catalog/unit-of-work.js';
import type { Plan } from '../../src/domain/plan.js';
import { PACKS } from '../../src/registry/packs.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { BlueprintService } from '../../src/services/blueprints.js';
import { action, gate, planOf } from '../support/plans.js';
import { until } from '../support/until.js';
import { preciseNow } from './bench-pack.js';
import { cpuBetween, readCpu } from './cpu.js';
import type { Ground } from './ground.js';
import { startReal } from './real-processes.js';
import { quietSamples } from './statistics.js';

/** Events of one sample through the real API and the real worker. Milliseconds, one number an event. */
export interface ApiSample {
  /** From sending the event to the request that its first action makes. */
  sentToAction: number[];
  /** The same from the API's answer, which comes when the event is committed. */
  acceptedToAction: number[];
  /** From sending the decision to the request of the next action. */
  decisionToAction: number[];
  foreignCores: number | null;
}

const EVENTS = 20;
const WARM_UP = 15;
const IDLE_MS = 60;

/** A server that says when somebody calls. */
class Target {
  readonly #server: Server;
  #waiting: ((at: number) => void) | undefined;

  constructor() {
    this.#server = createServer((request, response) => {
      const at = preciseNow();
      request.resume();
      response.setHeader('content-type', 'application/json').end('{}');
      this.#waiting?.(at);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  nextCall(): Promise<number> {
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function planFor(url: string): Plan {
  const name = 'http.call';
  const contract = new ActionRegistry(PACKS).find(name)?.contract ?? '';
  return planOf(
    [
      action('look', { action: name, with: { url }, effect: 'read', idempotency: 'safe', timeout_ms: 10_000 }),
      gate('ok', { message: 'Go on?' }),
      action('act', {
        action: name,
        with: { url, method: 'POST', body: {}, idempotency_header: 'Idempotency-Key' },
        timeout_ms: 10_000,
      }),
    ],
    {
      id: 'bench.api',
      actions: { [name]: { pack: 'core@0.1.0', contract } },
      triggers: [{ kind: 'event', event: 'bench.alert' }],
    },
  );
}

/** Measures the way of an event, and of a decision, through the real processes. */
export async function measureApi(ground: Ground, pairs: number): Promise<ApiSample[]> {
  const taskQueue = `bench-api-${randomUUID()}`;
  const target = new Target();
  const url = await target.listen();
  const api = await startReal(ground, 'api', taskQueue);
  const worker = await startReal(ground, 'worker', taskQueue);
  try {
    const access = catalogAccess(ground.catalog);
    await new BlueprintService({ catalog: access, clock: Date.now, envId: 'local' }).savePlan(
      { actor: 'bench', proven: false, correlationId: randomUUID(), source: 'cli' },
      { plan: planFor(url), source: 'id: bench.api', debug: {} },
    );
    const base = new URL('/api/v1', api.ready.url).href;
    for (let ix = 0; ix < WARM_UP; ix += 1) await passEvent(base, target);
    const roots = { ...ground.roots, api: api.pid, worker: worker.pid };
    const samples: ApiSample[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      samples.push(
        ...(await quietSamples(async () => {
          const before = readCpu(roots);
          const passed: Passed[] = [];
          for (let ix = 0; ix < EVENTS; ix += 1) passed.push(await passEvent(base, target));
          return {
            sentToAction: passed.map((one) => one.sentToAction),
            acceptedToAction: passed.map((one) => one.acceptedToAction),
            decisionToAction: passed.map((one) => one.decisionToAction),
            foreignCores: cpuBetween(before, readCpu(roots))?.foreignCores ?? null,
          };
        })),
      );
    }
    return samples;
  } finally {
    await Promise.all([api.stop(), worker.stop()]);
    target.close();
  }
}

interface Passed {
  sentToAction: number;
  acceptedToAction: number;
  decisionToAction: number;
}

async function passEvent(base: string, target: Target): Promise<Passed> {
  const looked = target.nextCall();
  const sent = preciseNow();
  const event = (await call(base, 'events', { event_name: 'bench.alert', data: {} })) as { event_id: string };
  const accepted = preciseNow();
  const first = await looked;
  const run = await until('the run is known', async () => {
    const { verdicts } = (await call(base, `events/${event.event_id}`)) as { verdicts: { run_id: string | null }[] };
    return verdicts[0]?.run_id ?? undefined;
  });
  const gateId = await until('the gate is open', async () => {
    const { items } = (await call(base, `gates?run_id=${run}&status=open`)) as { items: { gate_id: string }[] };
    return items[0]?.gate_id;
  });
  await pause(IDLE_MS);
  const acted = target.nextCall();
  const decided = preciseNow();
  await call(base, `gates/${gateId}/decide`, { decision: 'approve' });
  const second = await acted;
  await until('the run ended', async () => {
    const { status } = (await call(base, `runs/${run}`)) as { status: string };
    if (status === 'failed') throw new Error('the run failed');
    return status === 'completed';
  });
  await pause(IDLE_MS);
  return { sentToAction: first - sent, acceptedToAction: first - accepted, decisionToAction: second - decided };
}

async function call(base: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${base}/${path}`, {
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
