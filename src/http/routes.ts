import { artifactRoutes } from './artifact-routes.js';
import { liveRoutes } from './live/routes.js';
import type { Route } from './route.js';
import { auditRoutes } from './routes/audit.js';
import { blueprintRoutes } from './routes/blueprints.js';
import { draftRoutes } from './routes/drafts.js';
import { eventRoutes } from './routes/events.js';
import { gateRoutes } from './routes/gates.js';
import { healthRoutes, type About } from './routes/health.js';
import { internalRoutes } from './routes/internal.js';
import { runRoutes } from './routes/runs.js';
import { scheduleRoutes } from './routes/schedules.js';

/** Every route of the API, each with the privilege that it needs and the answers that it gives. */
export function routesOf(about: About): readonly Route[] {
  return [
    ...healthRoutes(about),
    ...liveRoutes,
    ...eventRoutes,
    ...runRoutes,
    ...gateRoutes,
    ...blueprintRoutes,
    ...draftRoutes,
    ...scheduleRoutes,
    ...artifactRoutes,
    ...auditRoutes,
    ...internalRoutes,
  ];
}
