import type { AttemptEnd, RecordSink } from '../domain/records.js';

/** The same sink, with somebody told of every attempt that ended. Whoever is told must not throw. */
export function observedRecords(sink: RecordSink, onEnd: (end: AttemptEnd) => void): RecordSink {
  return {
    begin: (start, transitions) => sink.begin(start, transitions),
    running: (start) => sink.running(start),
    end(end) {
      sink.end(end);
      onEnd(end);
    },
    record: (runId, transitions) => sink.record(runId, transitions),
    flush: (timeoutMs) => sink.flush(timeoutMs),
  };
}
