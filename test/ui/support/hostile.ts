import type { Catalog } from '../../../src/catalog/connect.js';

/** Each would show itself in its own way: by a number in `__ran`, or by a request to a host of its own. */
export const MARKERS: readonly string[] = [
  '<script>window.__ran=1</script>',
  '<img src=x onerror="window.__ran=2">',
  '<svg onload="window.__ran=3">',
  '"><script>window.__ran=4</script>',
  "'><img src=x onerror=window.__ran=5>",
  '</title><script>window.__ran=6</script>',
  '</textarea><script>window.__ran=7</script>',
  '</pre></code><script>window.__ran=8</script>',
  '<iframe srcdoc="<script>parent.__ran=9</script>">',
  '<a href="javascript:window.__ran=10">x</a>',
  'javascript:window.__ran=11',
  '<details open ontoggle="window.__ran=12">',
  '<body onload=window.__ran=13>',
  '<math><mtext></mtext><script>window.__ran=14</script></math>',
  '" onmouseover="window.__ran=15" x="',
  "' onfocus='window.__ran=16' autofocus='",
  '<input autofocus onfocus="window.__ran=17">',
  '<style>@import "http://evil.invalid/18"</style>',
  '<link rel=stylesheet href=http://evil.invalid/19>',
  '<base href="http://evil.invalid/">',
  '<form action="http://evil.invalid/"><button>21</button></form>',
  '<meta http-equiv="refresh" content="0;url=http://evil.invalid/22">',
  '<object data="data:text/html,<script>parent.__ran=23</script>">',
  '<embed src="javascript:window.__ran=24">',
  '<template><script>window.__ran=25</script></template>',
  '<% window.__ran=26 %>',
  '<%~ "<script>window.__ran=27</script>" %>',
  '${window.__ran=28}',
  '{{constructor.constructor("window.__ran=29")()}}',
  '#{window.__ran=30}',
  '<div hx-get="/ui" hx-trigger="load" hx-on::load="window.__ran=31">',
  '<div data-hx-on:click="window.__ran=32" hx-trigger="load">',
  '<img src="http://evil.invalid/33.png">',
  '&lt;script&gt;window.__ran=34&lt;/script&gt;',
  '\u003cscript\u003ewindow.__ran=35\u003c/script\u003e',
  '<scr\u0001ipt>window.__ran=36</scr\u0001ipt>',
  '\u202e<script>window.__ran=37</script>\u202c',
  '<!--><script>window.__ran=38</script>-->',
  ']]><script>window.__ran=39</script>',
  `${'A'.repeat(10_000)}<script>window.__ran=40</script>`,
];

const LONGEST = MARKERS.at(-1) ?? '';

/** Writes every marker into every stored field that a page shows; the longest into a few rows of each table only. */
export async function storeMarkers({ pool }: Pick<Catalog, 'pool'>): Promise<void> {
  const most = MARKERS.slice(0, -1).join('\n');
  const text = (n: string): string => `CASE WHEN ${n} THEN $1::text || $2::text ELSE $1::text END`;
  const change = async (table: string, key: string, set: (value: string) => string, more = ''): Promise<void> => {
    const values = set(text(`${key}::text < '2'`));
    await pool.query(`WITH given AS (SELECT $1::text, $2::text) UPDATE ${table} SET ${values} ${more}`, [
      most,
      LONGEST,
    ]);
  };
  const fault = (value: string): string =>
    `CASE WHEN error IS NULL THEN NULL ELSE jsonb_build_object('code', 'x', 'message', ${value}, 'path', ${value}) END`;
  const recent = `WHERE created_at > now() - interval '2 days'`;
  await change(
    'runs',
    'run_id',
    (value) =>
      `name = ${value}, actor = ${value}, trigger = ${value}, error = ${fault(value)},
       inputs = jsonb_build_object('<script>window.__ran=41</script>', ${value})`,
    recent,
  );
  await change('steps', 'step_id', (value) => `name = ${value}, outputs = jsonb_build_object('v', ${value})`);
  await change('gates', 'gate_id', (value) => `message = ${value}, approvers = jsonb_build_array(${value}, 'local')`);
  await change('gate_decisions', 'decision_id', (value) => `actor = ${value}, reason = ${value}`);
  const types = `WHERE content_type NOT LIKE 'image/png%'`;
  await change('artifacts', 'artifact_id', (value) => `kind = ${value}, created_by = ${value}, name = ${value}`, types);
  await change('blueprints', 'blueprint_id', (value) => `name = ${value}`);
  // Names of drafts are unique, and as long as an index takes.
  await change('drafts', 'draft_id', (value) => `name = left(${value}, 600) || draft_id, updated_by = ${value}`);
}
