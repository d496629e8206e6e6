import { CancellationScope } from '@temporalio/workflow';

/**
 * The scope of what is being scheduled now. Set and taken back in one breath, in which no other run of the worker can act, so
 * that one variable does for all of them.
 */
let current: CancellationScope | undefined;
/** Root scope of each run → the scope in which all that belongs to no task runs. */
const homes = new WeakMap<CancellationScope, CancellationScope>();

// The SDK keeps the current scope in an `AsyncLocalStorage`: the first run that enters one makes every promise of the worker's
// thread dearer. The driver never awaits, so it needs no more than a variable. This module is preloaded, before the SDK freezes
// its own.
const fromContext = CancellationScope.current.bind(CancellationScope);
CancellationScope.current = () => {
  if (current) return current;
  const scope = fromContext();
  return homes.get(scope) ?? scope;
};

/** The cancellation scopes of one run. */
export class TaskScopes {
  /** The scope of the run itself, which a cancel of the workflow ends. */
  readonly root = CancellationScope.current();
  readonly #home = new CancellationScope({ cancellable: false });
  readonly #parts = new Map<string, CancellationScope>();

  /** From here on a cancel of the workflow ends nothing by itself: the engine decides what it means. */
  constructor() {
    homes.set(this.root, this.#home);
  }

  /** One scope for each part that is cancelled as a whole, made when first needed. */
  of(part: string): CancellationScope {
    let scope = this.#parts.get(part);
    if (!scope || scope.consideredCancelled) {
      scope = this.single();
      this.#parts.set(part, scope);
    }
    return scope;
  }

  /** A scope of its own. */
  single(): CancellationScope {
    return new CancellationScope({ cancellable: true, parent: this.#home });
  }

  /** Cancels all that runs for a part. */
  cancel(part: string): void {
    this.#parts.get(part)?.cancel();
  }

  /** Starts work in a scope. What the work starts after its first `await` is not in it. */
  start<T>(scope: CancellationScope, work: () => Promise<T>): Promise<T> {
    const outer = current;
    current = scope;
    try {
      return work();
    } finally {
      current = outer;
    }
  }
}
