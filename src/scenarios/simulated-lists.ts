import type { ArtifactReference } from '../domain/artifact-reference.js';
import { attempt } from '../domain/engine/attempt.js';
import { pageOf } from '../domain/engine/holders/items.js';
import { inIndexOrder } from '../domain/engine/holders/loop-results.js';
import type { Command, EngineEvent } from '../domain/engine/messages.js';
import { sha256Hex, uuidV5 } from '../domain/hash.js';
import type { Json } from '../domain/json.js';

type MoveCommand = Extract<Command, { c: 'spill' | 'page' }>;
type Moved<T = Extract<EngineEvent, { t: 'spilled' | 'page' | 'unkept' }>> = T extends EngineEvent
  ? Omit<T, 'now'>
  : never;

/** Lists of loops that are too long for the state, as workers keep and read them. */
export class SimulatedLists {
  readonly #runId: string;
  readonly #chunks = new Map<string, Json[]>();
  readonly #lists = new Map<string, Json[]>();

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** What a worker answers. */
  answer(command: MoveCommand): Moved {
    const { path } = command;
    if (command.c === 'spill') {
      const { chunk } = command;
      this.#chunks.set(`${path} ${chunk}`, command.results as unknown as Json[]);
      return { t: 'spilled', path, chunk, ...(command.last ? { list: this.#close(path, chunk + 1) } : {}) };
    }
    const { list, from } = command;
    const page = attempt(() => pageOf(this.#lists.get(list.artifact) ?? list, from));
    return 'fault' in page ? { t: 'unkept', path, error: page.fault } : { t: 'page', path, from, ...page.value };
  }

  #close(path: string, chunks: number): ArtifactReference {
    const numbers = Array.from({ length: chunks }, (_, chunk) => chunk);
    const list = inIndexOrder(numbers.flatMap((chunk) => this.#chunks.get(`${path} ${chunk}`) ?? []));
    const text = JSON.stringify(list);
    const artifact = uuidV5(this.#runId, `results/${path}`);
    this.#lists.set(artifact, list);
    return { artifact, sha256: sha256Hex(text), bytes: text.length };
  }
}
