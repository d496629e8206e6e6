import type { LivePosition, PlacedEvent } from '../catalog/live-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { ArtifactDto, GateDto, RunDetailDto, StepDto } from '../domain/dtos.js';
import type { OpenStream } from './live-events.js';
import { isAfter, positionText } from './live-position.js';
import type { Followed, LiveReader } from './live-reader.js';
import { Signal } from './live-signal.js';
import type { Probe } from './live-topics.js';

export interface RunSnapshot {
  run: RunDetailDto;
  /** The first of them; the list of steps has the others. */
  steps: StepDto[];
  gates: GateDto[];
  has_more_steps: boolean;
}

export type RunMessage =
  | { type: 'snapshot'; id: string; data: RunSnapshot }
  | { type: 'run'; id: string; data: RunDetailDto }
  | { type: 'step'; id: string; data: StepDto }
  | { type: 'gate'; id: string; data: GateDto }
  | { type: 'artifact'; id: string; data: ArtifactDto }
  | { type: 'source'; id: string; data: { ok: boolean; since: string } }
  /** The run has ended and all of it was told. */
  | { type: 'end'; id: string; data: RunDetailDto };

export interface RunStreamDeps {
  reader: Pick<LiveReader, 'follow' | 'position' | 'refresh'>;
  catalog: Pick<CatalogAccess, 'live' | 'gates' | 'artifacts'>;
  /** A run with the reasons why it does not move. @throws XynFault `run_not_found` */
  explain: (runId: string) => Promise<RunDetailDto>;
  /** Tells of changes of a run that have no event. */
  probe: (runId: string) => Probe;
}

/** What changed since it was last told, by kind and id, in the order of the newest change. */
type Changes = Map<string, { kind: 'run' | 'step' | 'gate' | 'artifact'; id: string; position: string }>;

const MAX_STEPS = 500;
const MAX_GATES = 200;
/** Who lacks more events than this gets a snapshot. */
const MAX_CATCH_UP = 2_000;
/** Records of steps are written behind: they, and what tells of them, may follow the end of their run by this much. */
const SETTLE_MS = 5_000;
const SETTLE_PAUSE_MS = 50;
/** Before a catalog that did not answer is asked again. */
const RETRY_MS = 1_000;

/**
 * Opens a stream of one run: a snapshot (none when `after` is a place of an earlier stream), then what changes, then the
 * end. What changed is told as it is now, so that several changes of one step may be one message; who goes on after any
 * message gets every later change.
 * @throws XynFault `run_not_found`, `streams_exhausted`, `not_running`, `db_unavailable`
 */
export async function openRunStream(
  deps: RunStreamDeps,
  runId: string,
  after?: string,
): Promise<OpenStream<RunMessage>> {
  // Before anything is read: what changes meanwhile is told again rather than never.
  const begin = deps.reader.position();
  await deps.explain(runId);
  return new RunStream(deps, runId, after ?? begin, after === undefined);
}

class RunStream implements OpenStream<RunMessage> {
  readonly messages: AsyncIterable<RunMessage>;
  readonly #deps: RunStreamDeps;
  readonly #runId: string;
  readonly #changes: Changes = new Map();
  readonly #sources: { ok: boolean; since: string }[] = [];
  readonly #signal = new Signal();
  readonly #followed: Followed;
  readonly #unwatch: () => void;
  #needsSnapshot: boolean;
  #isClosed = false;
  #place: string;
  #final: { run: RunDetailDto; since: number; horizon?: LivePosition } | undefined;

  constructor(deps: RunStreamDeps, runId: string, place: string, needsSnapshot: boolean) {
    this.#deps = deps;
    this.#runId = runId;
    this.#place = place;
    this.#needsSnapshot = needsSnapshot;
    this.#followed = this.#follow();
    this.#unwatch = deps.probe(runId).watch(() => this.#note('run', runId, ''));
    // A run that ended while nobody followed has no further change to wait for.
    if (!needsSnapshot) this.#note('run', runId, '');
    // The first look needs no change.
    this.messages = this.#read();
  }

  close(): void {
    this.#isClosed = true;
    this.#followed.leave();
    this.#unwatch();
    this.#signal.set();
  }

  #follow(): Followed {
    return this.#deps.reader.follow({
      filter: { run_id: this.#runId },
      after: this.#place,
      maxCatchUp: MAX_CATCH_UP,
      onEvents: (events) => {
        for (const placed of events) this.#noteEvent(placed);
        return undefined;
      },
      onGap: (position) => {
        this.#place = position;
        this.#needsSnapshot = true;
        this.#signal.set();
      },
      onSource: (ok, since) => {
        this.#sources.push({ ok, since });
        this.#signal.set();
      },
      onEnd: () => this.close(),
    });
  }

  #noteEvent({ event, position }: PlacedEvent): void {
    const place = positionText(position);
    const { event_name: name, resource, step_id: stepId } = event;
    if (resource?.type === 'gate') this.#note('gate', resource.id, place);
    if (resource?.type === 'artifact') this.#note('artifact', resource.id, place);
    if (name.startsWith('xyn.step.') && stepId !== null) this.#note('step', stepId, place);
    if (name.startsWith('xyn.run.') || name.startsWith('xyn.gate.')) this.#note('run', this.#runId, place);
  }

  #note(kind: 'run' | 'step' | 'gate' | 'artifact', id: string, position: string): void {
    const key = `${kind}/${id}`;
    // What has no event has no place of its own: it keeps the one of the change that waits, or goes after the last.
    const place = position === '' ? (this.#changes.get(key)?.position ?? '') : position;
    if (position !== '') this.#changes.delete(key);
    this.#changes.set(key, { kind, id, position: place });
    this.#signal.set();
  }

  async *#read(): AsyncGenerator<RunMessage> {
    while (!this.#isClosed) {
      for (const data of this.#sources.splice(0)) yield { type: 'source', id: this.#place, data };
      // A catalog that does not answer is waited for: the stream stays, and nothing of it is lost.
      const messages = await this.#next().catch(() => undefined);
      for (const message of messages ?? []) yield message;
      if (messages?.at(-1)?.type === 'end') this.close();
      if (messages === undefined) setTimeout(() => this.#signal.set(), RETRY_MS).unref();
      await this.#signal.wait();
    }
  }

  /** What is to be told now. */
  async #next(): Promise<RunMessage[]> {
    const messages: RunMessage[] = [];
    if (this.#needsSnapshot) {
      const data = await this.#snapshot();
      this.#needsSnapshot = false;
      messages.push({ type: 'snapshot', id: this.#place, data });
      this.#noteEnd(data.run);
    }
    messages.push(...(await this.#take()));
    for (const message of messages) if (message.type === 'run') this.#noteEnd(message.data);
    if (this.#final === undefined) return messages;
    const { run } = this.#final;
    const end = (last: RunMessage[]): RunMessage[] => [
      ...messages,
      ...last,
      { type: 'end', id: this.#place, data: run },
    ];
    if (await this.#isSettled(this.#final)) return end(await this.#take());
    if (performance.now() - this.#final.since > SETTLE_MS) {
      return end([{ type: 'snapshot', id: this.#place, data: await this.#snapshot() }]);
    }
    setTimeout(() => this.#signal.set(), SETTLE_PAUSE_MS).unref();
    return messages;
  }

  /** Whether the records of all steps of an ended run are there, and all events before its end were told. */
  async #isSettled(final: { horizon?: LivePosition }): Promise<boolean> {
    const { live } = this.#deps.catalog;
    if (final.horizon === undefined) {
      if (await live.hasOpenSteps(this.#runId)) return false;
      final.horizon = (await live.horizon()).position;
      this.#deps.reader.refresh();
    }
    return !isAfter(final.horizon, this.#followed.place());
  }

  #noteEnd(run: RunDetailDto): void {
    if (isFinal(run)) this.#final = { since: performance.now(), ...this.#final, run };
  }

  /** What changed, as it is now, oldest change first. */
  async #take(): Promise<RunMessage[]> {
    const changes = [...this.#changes.values()];
    const idsOf = (kind: string): string[] => changes.filter((one) => one.kind === kind).map(({ id }) => id);
    const { catalog, explain } = this.#deps;
    const steps = new Map((await catalog.live.stepsById(idsOf('step'))).map((step) => [step.step_id, step]));
    const gates = idsOf('gate').length === 0 ? [] : await catalog.gates.list({ run_id: this.#runId }, MAX_GATES);
    const run = idsOf('run').length === 0 ? undefined : await explain(this.#runId);
    const artifacts = await Promise.all(idsOf('artifact').map((id) => catalog.artifacts.get(id)));
    const messages: RunMessage[] = [];
    for (const change of changes) {
      const { kind, id, position } = change;
      // What changed once more while all of this was read waits for its next turn.
      if (this.#changes.get(`${kind}/${id}`) === change) this.#changes.delete(`${kind}/${id}`);
      if (position !== '') this.#place = position;
      const at = this.#place;
      if (kind === 'run' && run !== undefined) messages.push({ type: 'run', id: at, data: run });
      const step = kind === 'step' ? steps.get(id) : undefined;
      if (step !== undefined) messages.push({ type: 'step', id: at, data: step });
      const gate = kind === 'gate' ? gates.find((one) => one.gate_id === id) : undefined;
      if (gate !== undefined) messages.push({ type: 'gate', id: at, data: gate });
      const artifact = kind === 'artifact' ? artifacts.find((one) => one?.artifact_id === id) : undefined;
      if (artifact !== undefined) messages.push({ type: 'artifact', id: at, data: artifact });
    }
    return messages;
  }

  async #snapshot(): Promise<RunSnapshot> {
    const { catalog, explain } = this.#deps;
    // The run first: its steps are then at least as new as its status.
    const run = await explain(this.#runId);
    const [steps, gates] = await Promise.all([
      catalog.live.stepsOf(this.#runId, MAX_STEPS + 1),
      catalog.gates.list({ run_id: this.#runId }, MAX_GATES),
    ]);
    return { run, steps: steps.slice(0, MAX_STEPS), gates, has_more_steps: steps.length > MAX_STEPS };
  }
}

function isFinal({ status }: RunDetailDto): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
