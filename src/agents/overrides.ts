/** A provider and one of its models. */
export interface ModelRef {
  provider: string;
  model: string;
}

/** What an environment puts in the place of what blueprints name. */
export interface Override {
  /** The model `*` stands for every model of the provider. */
  from: ModelRef;
  to: ModelRef;
}

/**
 * The model that is really asked. An override of the very model wins over one of the whole provider; replacements are
 * not replaced again.
 */
export function overridden(overrides: readonly Override[], asked: ModelRef): ModelRef {
  const of = (model: string) =>
    overrides.find(({ from }) => from.provider === asked.provider && from.model === model)?.to;
  return of(asked.model) ?? of('*') ?? asked;
}
