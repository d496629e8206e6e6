import { route, type Route } from '../route.js';
import { healthSchema, type Health } from '../schemas/health.js';
import type { Services } from '../services.js';

/** What is said about this process. */
export interface About {
  version: string;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** What the health route answers. */
export async function healthOf(services: Services, about: About): Promise<Health> {
  const checks = await services.health.check();
  const ok = checks.postgres.ok && checks.temporal.ok && checks.worker.ok;
  return {
    status: ok ? 'ok' : 'degraded',
    version: about.version,
    uptime_seconds: Math.floor((Date.now() - about.startedAt) / 1_000),
    now: new Date().toISOString(),
    checks,
  };
}

/** The one route that needs nothing and answers while parts are away. */
export function healthRoutes(about: About): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/health',
      id: 'getHealth',
      summary: 'Whether the parts work; answered even when they do not',
      privilege: 'open',
      answers: { 200: healthSchema },
      handle: async (services) => ({ body: await healthOf(services, about) }),
    }),
  ];
}
