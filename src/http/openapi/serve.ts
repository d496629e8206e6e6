import { createRequire } from 'node:module';
import path from 'node:path';
import { Router, type RequestHandler } from 'express';
import { API_PREFIX, type Route } from '../route.js';
import { apiDocument } from './document.js';

/** Scripts and styles come from here only; the pictures are in the style sheet. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Xyn API</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><main id="api"></main><script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/page.js"></script></body>
</html>
`;
const SCRIPT = `SwaggerUIBundle({ url: '${API_PREFIX}/openapi.json', dom_id: '#api', deepLinking: true, tryItOutEnabled: true });
`;
const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'] as const;

function folderOfSwaggerUi(): string {
  return path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}

function page(type: string, text: string): RequestHandler {
  return (_request, response) => {
    response.set('Content-Security-Policy', POLICY).type(type).send(text);
  };
}

/** The description of the API, at `/api/v1/openapi.json`, and a page that shows it, at `/api/docs`. */
export function describeApi(routes: readonly Route[], about: { version: string }): Router {
  const router = Router({ caseSensitive: true });
  let text: string | undefined;
  router.get(`${API_PREFIX}/openapi.json`, (_request, response) => {
    text ??= JSON.stringify(apiDocument(routes, about));
    response.type('json').send(text);
  });
  router.get('/api/docs', page('html', PAGE));
  router.get('/api/docs/page.js', page('js', SCRIPT));
  for (const name of FILES) {
    router.get(`/api/docs/${name}`, (_request, response) => {
      response.set('Cache-Control', 'public, max-age=86400');
      response.sendFile(path.join(folderOfSwaggerUi(), name), { cacheControl: false });
    });
  }
  return router;
}
