-- The transaction that wrote an event. Numbers of `seq` are given before the commit, so a reader that goes on after the
-- highest one it saw loses rows of transactions that were slower. In the order of (txid, seq), below the oldest transaction
-- that still runs, no row can appear behind a reader any more.
ALTER TABLE "events" ADD COLUMN "txid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint;

CREATE INDEX "events_txid_seq_idx" ON "events"("txid", "seq");
