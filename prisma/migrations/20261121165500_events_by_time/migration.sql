-- A page of events between two times begins at its newest row. The BRIN index only led to ranges of a megabyte, and a page
-- far back walked the whole log before it.
DROP INDEX "events_occurred_at_idx";
CREATE INDEX "events_occurred_at_seq_idx" ON "events"("occurred_at", "seq");
