-- Starts that wait since a blueprint starts too often, and runs that wait for a place.
CREATE TABLE "held_starts" (
    "event_id" UUID NOT NULL,
    "blueprint_id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "held_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "held_starts_pkey" PRIMARY KEY ("event_id","blueprint_id")
);

CREATE INDEX "held_starts_blueprint_id_seq_idx" ON "held_starts"("blueprint_id", "seq");

CREATE TABLE "run_places" (
    "run_id" UUID NOT NULL,
    "lane" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "admitted_at" TIMESTAMPTZ(3),

    CONSTRAINT "run_places_pkey" PRIMARY KEY ("run_id")
);

CREATE INDEX "run_places_lane_admitted_at_idx" ON "run_places"("lane", "admitted_at");
