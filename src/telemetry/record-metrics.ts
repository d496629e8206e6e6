import { Counter, Gauge, type Registry } from 'prom-client';

/** What can be asked of the buffer of records. */
export interface RecordCounts {
  pending: number;
  /** How long nothing was committed although something waits, milliseconds; 0 when nothing waits. */
  stalledMs: number;
  counts: { written: number; refused: number; dropped: number };
}

/** Shows the buffer of records that a worker writes behind. */
export function recordMetrics(registry: Registry, buffer: RecordCounts): void {
  const registers = [registry];
  new Gauge({
    name: 'xyn_records_pending',
    help: 'Records of steps that are not in Postgres yet.',
    registers,
    collect() {
      this.set(buffer.pending);
    },
  });
  new Gauge({
    name: 'xyn_records_stalled_seconds',
    help: 'How long no record was committed although some wait; 0 when none waits.',
    registers,
    collect() {
      this.set(buffer.stalledMs / 1_000);
    },
  });
  // The buffer counts itself: its figures are copied at each look.
  new Counter({
    name: 'xyn_records_written_total',
    help: 'Records of steps that were committed.',
    registers,
    collect() {
      this.reset();
      this.inc(buffer.counts.written);
    },
  });
  new Counter({
    name: 'xyn_records_lost_total',
    help: 'Records of steps that were let go (refused by Postgres, or dropped because too many waited); the reconciler repairs them from the history.',
    labelNames: ['reason'],
    registers,
    collect() {
      const { refused, dropped } = buffer.counts;
      this.reset();
      this.inc({ reason: 'refused' }, refused);
      this.inc({ reason: 'dropped' }, dropped);
    },
  });
}
