import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startContractServer } from '../../../test/support/api-contract.js';
import { fakeEvent, fakeServices } from '../../../test/support/fake-services.js';
import { ERROR_CODES } from '../../domain/error-codes.js';
import { createApp } from '../app.js';
import { routesOf } from '../routes.js';
import type { HttpServer } from '../server.js';
import { apiDocument } from './document.js';

const quiet = (): void => undefined;
const log = { info: quiet, warn: quiet, error: quiet };
const { services, world } = fakeServices();
let server: HttpServer;

beforeAll(async () => {
  server = await startContractServer(createApp(services, { log, version: '1.2.3', allowedHosts: [] }));
});
afterAll(() => server.close());

const about = { version: '1.2.3', startedAt: 0 };
const document = apiDocument(routesOf(about), about);
const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({ path, method, operation })),
);

interface Operation {
  operationId: string;
  summary: string;
  'x-privilege': string;
  parameters: { name: string; in: string; required?: boolean; schema?: object }[];
  responses: Record<string, { content?: Record<string, { schema: object }>; 'x-error-codes'?: string[] }>;
}

describe('the description of the API', () => {
  it('is served as it is made', async () => {
    const answer = await fetch(`${server.url}/api/v1/openapi.json`);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it('names every operation once, with its privilege and its parameters', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      expect(operation.summary).toMatch(/^[A-Z].*[^.]$/);
      expect(operation['x-privilege']).toMatch(/^(open|[a-z]+\.[a-z]+)$/);
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  it('describes the parameters of paths as routes take them', () => {
    const inPaths = operations.flatMap(({ operation }) =>
      operation.parameters.filter(({ in: place }) => place === 'path'),
    );
    const typeOf = (name: string): unknown => {
      const { type, format } = (inPaths.find((one) => one.name === name)?.schema ?? {}) as {
        type?: string;
        format?: string;
      };
      return format ?? type;
    };
    const types = ['run_id', 'draft_id', 'blueprint_id', 'schedule_id', 'version', 'revision'].map(typeOf);
    expect(types).toEqual(['uuid', 'uuid', 'string', 'string', 'integer', 'integer']);
  });

  it('says what comes back, and which codes each status has', () => {
    for (const { operation } of operations) {
      for (const [status, { content, 'x-error-codes': codes }] of Object.entries(operation.responses)) {
        const schemas = Object.entries(content ?? {}).filter(([type]) => type !== 'text/event-stream');
        expect(schemas.every(([, { schema }]) => Object.keys(schema).length > 0)).toBe(true);
        if (Number(status) < 400) continue;
        expect(content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Error' });
        for (const code of codes ?? []) expect(ERROR_CODES[code as 'internal'].status).toBe(Number(status));
      }
    }
  });

  it('forbids no further fields in answers, but in requests', () => {
    const schemas = document.components?.schemas as Record<string, { additionalProperties?: boolean }>;
    expect(schemas['Run']?.additionalProperties).toBeUndefined();
    expect(schemas['EmitEvent']?.additionalProperties).toBe(false);
  });
});

describe('the tests of the API', () => {
  it('fail at an answer that is not described', async () => {
    world.events = [fakeEvent()];
    const path = `${server.url}/api/v1/events/${world.events[0]?.event_id}`;
    expect((await fetch(path)).status).toBe(200);
    Object.assign(world.events[0] ?? {}, { secret: 1 });
    const answer = await fetch(path);
    expect(answer.status).toBe(599);
    expect(await answer.text()).toContain('must NOT have additional properties');
  });
});

describe('the page that shows it', () => {
  it('loads nothing from elsewhere and runs nothing inline', async () => {
    const answer = await fetch(`${server.url}/api/docs`);
    const html = await answer.text();
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(html).not.toMatch(/<script>|style="|https?:/);
    const linked = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(linked).toHaveLength(3);
    for (const path of linked) {
      const file = await fetch(`${server.url}${path}`);
      expect([file.status, file.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
      expect(file.headers.get('content-type')).toMatch(/^text\/(css|javascript)/);
    }
  });
});
