import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { startHttpServer, type HttpServer, type ListenOptions } from '../../src/http/server.js';
import { apiDocument } from '../../src/http/openapi/document.js';
import { errorsByStatus, hasDocumentCodes } from '../../src/http/openapi/codes.js';
import { API_PREFIX, type Route } from '../../src/http/route.js';
import { routesOf } from '../../src/http/routes.js';

/** Status of an answer that breaks the contract: nobody expects it, so the test that asked fails with the reason. */
const BROKEN = 599;
/** What can be answered where no route is: codes besides those of a route. */
const OF_NO_ROUTE = [
  'not_found',
  'method_not_allowed',
  'path_encoding',
  'host_unknown',
  'origin_forbidden',
  'header_duplicate',
  'internal',
];

const routes = routesOf({ version: '1', startedAt: 0 });
const document = apiDocument(routes, { version: '1' }, true);
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
ajv.addSchema(document, 'api');
const validators = new Map<string, ValidateFunction>();

function fullPath({ prefix = API_PREFIX, path }: Route): string {
  return `${prefix}${path}`;
}

function routeOf(method: string, path: string): Route | undefined {
  const matches = routes.filter((route) => {
    const pattern = fullPath(route).replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+');
    return new RegExp(`^${pattern}/?$`).test(path) && route.method === (method === 'HEAD' ? 'GET' : method);
  });
  return matches.find((route) => !route.path.includes(':')) ?? matches[0];
}

/** What is wrong with a value by the schema at a place of the description. */
function misfit(pointer: readonly string[], value: unknown): string | undefined {
  const ref = `api#/${pointer
    .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
    .map(encodeURIComponent)
    .join('/')}`;
  let validate = validators.get(ref);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: ref });
    validators.set(ref, validate);
  }
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

interface Answered {
  status: number;
  type: string;
  correlationId: unknown;
  text: string;
}

function errorProblem(route: Route | undefined, { status, text }: Answered): string | undefined {
  const body = JSON.parse(text) as { error?: { code?: string } };
  const wrong = misfit(['components', 'schemas', 'Error'], body);
  if (wrong !== undefined) return wrong;
  const code = body.error?.code ?? '';
  const known: readonly string[] = route === undefined ? OF_NO_ROUTE : (errorsByStatus(route).get(status) ?? []);
  const isOfDocument = route !== undefined && hasDocumentCodes(route) && [400, 413, 422].includes(status);
  return known.includes(code) || isOfDocument ? undefined : `${status} \`${code}\` is not described`;
}

/** What is wrong with an answer by the description of the API; undefined when it fits. */
export function contractProblem(method: string, path: string, answered: Answered): string | undefined {
  const { status, type, text } = answered;
  const route = routeOf(method, path);
  if (typeof answered.correlationId !== 'string') return 'X-Correlation-Id is missing';
  if (status >= 400) return method === 'HEAD' ? undefined : errorProblem(route, answered);
  if (route === undefined) return 'no route has that path';
  const content = route.answers[status as 200];
  if (content === undefined) return `status ${status} is not described`;
  if (!('shape' in content)) return undefined;
  if (!type.startsWith('application/json')) return `the type ${type} is not described`;
  if (method === 'HEAD') return undefined;
  const operation = ['paths', fullPath(route).replace(/:(\w+)/g, '{$1}'), route.method.toLowerCase()];
  return misfit([...operation, 'responses', String(status), 'content', 'application/json', 'schema'], JSON.parse(text));
}

/** Looks at what is sent at once; what comes in pieces (files, streams) is only looked at by its status. */
function watch(request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '/', 'http://local').pathname;
  if (!/^\/api\/(v1|internal)\//.test(path) || path === `${API_PREFIX}/openapi.json`) return;
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = ((...args: unknown[]) => {
    if (response.headersSent) return end(...args);
    const [chunk] = args;
    const answered = {
      status: response.statusCode,
      type: String(response.getHeader('content-type') ?? ''),
      correlationId: response.getHeader('x-correlation-id'),
      text: typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk as string).toString() : '',
    };
    const problem = contractProblem(request.method ?? '', path, answered);
    if (problem === undefined) return end(...args);
    const text = JSON.stringify({ broken_contract: `${request.method} ${path}: ${problem}`, answer: answered.text });
    response.statusCode = BROKEN;
    response.setHeader('Content-Length', Buffer.byteLength(text));
    return end(text);
  }) as ServerResponse['end'];
}

/**
 * Serves an app on a free port of loopback and holds every answer below `/api` to the description of the API: one that
 * does not fit it leaves as status 599 with the reason.
 */
export function startContractServer(
  app: RequestListener,
  options: Pick<ListenOptions, 'bodyTimes'> = {},
): Promise<HttpServer> {
  const listener: RequestListener = (request, response) => {
    watch(request, response);
    app(request, response);
  };
  return startHttpServer(listener, { host: '127.0.0.1', port: 0, ...options });
}
