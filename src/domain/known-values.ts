/** What has values that a filter can be completed with: a field of a list, each with an index that begins with it. */
export type KnownValueField =
  | 'run.blueprint'
  | 'run.actor'
  | 'run.trigger'
  | 'event.name'
  | 'event.actor'
  | 'audit.actor'
  | 'audit.action'
  | 'audit.type'
  | 'artifact.kind';
