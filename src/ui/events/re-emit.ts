import type { EventFacts } from '../../domain/event-console.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { template } from '../template.js';

/** What a person reads before an event is emitted again. */
export interface ReEmitView {
  event: EventFacts['event'];
  /** Runs that the event started. */
  started: number;
  csrf: string;
  /** The same key emits once, however often the form is sent. */
  key: string;
}

/** Asks whether to emit an event again; works as a page and as a dialog. */
export const reEmitMain: (view: ReEmitView, ui: Parts) => Html = template<ReEmitView>(import.meta.url, './re-emit.eta');
