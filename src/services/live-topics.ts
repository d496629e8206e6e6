import type { PlacedEvent } from '../catalog/live-store.js';
import type { LiveFeed, LiveMessage, LiveSubscription, LiveTopic } from './live-feed.js';
import { positionText } from './live-position.js';
import type { Follower, LiveFilter, LiveReader } from './live-reader.js';

/** Something beside the event log that is looked at from time to time while somebody wants to know. */
export interface Probe {
  /** Looks from now on, and calls back when it sees a change. @returns ends it. */
  watch(onChange: () => void): () => void;
}

export interface LiveTopicsDeps {
  reader: Pick<LiveReader, 'position' | 'follow'>;
  /** Whether the parts of the installation work. */
  health: Probe;
  /** Why a run does not move, and wishes to cancel it: changes that have no event. */
  run: (runId: string) => Probe;
}

/** A page that lacks more than this many events is drawn again as a whole. */
const MAX_CATCH_UP = 500;

/** The live feed of this process: the event log, told by topics. */
export class LiveTopics implements LiveFeed {
  readonly #deps: LiveTopicsDeps;

  constructor(deps: LiveTopicsDeps) {
    this.#deps = deps;
  }

  position(): string {
    return this.#deps.reader.position();
  }

  subscribe({ topics, after }: LiveSubscription, onMessage: (message: LiveMessage) => void): () => void {
    const { reader } = this.#deps;
    const wanted = new Set(topics);
    let isOpen = true;
    const tell = (message: LiveMessage): void => {
      if (isOpen) onMessage(message);
    };
    const follower: Follower = {
      filter: filterOf(topics),
      maxCatchUp: MAX_CATCH_UP,
      ...(after === undefined ? {} : { after }),
      onEvents(events) {
        for (const placed of events) {
          const touched = topicsOf(placed).filter((topic) => wanted.has(topic));
          if (touched.length > 0) tell(changeOf(placed, touched));
        }
        return undefined;
      },
      onGap: (position) => tell({ kind: 'resync', position }),
      onSource: (ok, since) => tell({ kind: 'source', ok, since }),
      onEnd: () => tell({ kind: 'end' }),
    };
    const followed = reader.follow(follower);
    const probes = [...wanted].flatMap((topic) => {
      const probe = this.#probeOf(topic);
      const onChange = (): void => tell({ kind: 'change', position: reader.position(), topics: [topic] });
      return probe === undefined ? [] : [probe.watch(onChange)];
    });
    return () => {
      isOpen = false;
      followed.leave();
      for (const end of probes) end();
    };
  }

  #probeOf(topic: LiveTopic): Probe | undefined {
    if (topic === 'health') return this.#deps.health;
    return topic.startsWith('run/') ? this.#deps.run(topic.slice('run/'.length)) : undefined;
  }
}

/** Who follows one run only need not be given the events of all others. */
function filterOf(topics: readonly LiveTopic[]): LiveFilter {
  const [first, ...rest] = topics.filter((topic) => topic !== 'health');
  return first?.startsWith('run/') === true && rest.length === 0 ? { run_id: first.slice('run/'.length) } : {};
}

function topicsOf({ event }: PlacedEvent): LiveTopic[] {
  return [
    'events',
    ...(event.run_id === null ? [] : [`run/${event.run_id}` as const]),
    ...(event.event_name.startsWith('xyn.run.') ? (['runs'] as const) : []),
    ...(event.event_name.startsWith('xyn.gate.') ? (['gates'] as const) : []),
  ];
}

function changeOf({ event, position }: PlacedEvent, topics: LiveTopic[]): LiveMessage {
  return {
    kind: 'change',
    position: positionText(position),
    topics,
    event_name: event.event_name,
    ...(event.run_id === null ? {} : { run_id: event.run_id }),
    ...(event.step_id === null ? {} : { step_id: event.step_id }),
    ...(event.resource?.type === 'gate' ? { gate_id: event.resource.id } : {}),
  };
}
