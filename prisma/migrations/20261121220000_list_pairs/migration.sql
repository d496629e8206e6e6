-- Runs of one status among those of a person or of a blueprint, newest first. With an index for each alone, a page walked all
-- runs of the one to find those of the other: 20 000 rows in a catalog of a million.
CREATE INDEX "runs_actor_status_created_at_idx" ON "runs"("actor", "status", "created_at" DESC);
CREATE INDEX "runs_blueprint_id_status_created_at_idx" ON "runs"("blueprint_id", "status", "created_at" DESC);
