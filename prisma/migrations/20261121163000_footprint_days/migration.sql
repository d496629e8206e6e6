-- What was used, by day: screens must not add up millions of footprints.
CREATE TABLE "footprint_days" (
    "day" DATE NOT NULL,
    "blueprint_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "metric" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "quantity" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "footprint_days_pkey" PRIMARY KEY ("day","blueprint_id","source","name","metric","unit")
);

-- What is not in them yet: written with the footprints themselves, so that the sum of both is always exact.
CREATE TABLE "footprint_deltas" (
    "delta_id" BIGSERIAL NOT NULL,
    "day" DATE NOT NULL,
    "blueprint_id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "metric" TEXT NOT NULL,
    "unit" TEXT NOT NULL,
    "quantity" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "footprint_deltas_pkey" PRIMARY KEY ("delta_id")
);

-- What a footprint is counted under: its run's status, its agent's model, its action, or the kind of its step.
CREATE FUNCTION xyn_footprint_source(source_kind text, dims jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN source_kind = 'run' THEN 'run' WHEN dims ? 'model' THEN 'agent' WHEN dims ? 'action' THEN 'action'
    ELSE coalesce(dims->>'kind', 'other') END
$$;
CREATE FUNCTION xyn_footprint_name(source_kind text, dims jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(CASE WHEN source_kind = 'run' THEN dims->>'status' ELSE coalesce(dims->>'model', dims->>'action') END, '')
$$;

CREATE FUNCTION xyn_note_footprints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO footprint_deltas (day, blueprint_id, source, name, metric, unit, quantity)
  SELECT (n.recorded_at AT TIME ZONE 'UTC')::date, coalesce(r.blueprint_id, ''),
    xyn_footprint_source(n.source_kind, n.dims_json), xyn_footprint_name(n.source_kind, n.dims_json), n.metric, n.unit, sum(n.quantity)
  FROM new_footprints n LEFT JOIN runs r ON r.run_id = n.run_id
  GROUP BY 1, 2, 3, 4, 5, 6;
  RETURN NULL;
END $$;
-- Takes a lock that holds writers back until this migration is committed, so that no row is counted twice or not at all.
CREATE TRIGGER footprints_note AFTER INSERT ON "footprints" REFERENCING NEW TABLE AS new_footprints
  FOR EACH STATEMENT EXECUTE FUNCTION xyn_note_footprints();

INSERT INTO "footprint_days" (day, blueprint_id, source, name, metric, unit, quantity)
SELECT (f.recorded_at AT TIME ZONE 'UTC')::date, coalesce(r.blueprint_id, ''), xyn_footprint_source(f.source_kind, f.dims_json),
  xyn_footprint_name(f.source_kind, f.dims_json), f.metric, f.unit, sum(f.quantity)
FROM "footprints" f LEFT JOIN "runs" r ON r.run_id = f.run_id
GROUP BY 1, 2, 3, 4, 5, 6;
