/** How a client finds Xyn and behaves. */
export interface ApiClientOptions {
  /** Where Xyn is, like `http://127.0.0.1:7420`; without a slash at the end. */
  url: string;
  /** Who calls; recorded as unproven. Default `local`. */
  actor?: string;
  /** Name and version of the program that calls, as in `User-Agent`. Default `xyn-client`. */
  program?: string;
  /** Milliseconds for one answer; default 15 000, since a decision waits up to 5 s for its run. */
  timeoutMs?: number;
  /**
   * How often a call is made again that the server could not take for the moment (503, 429), after the pause that it asks
   * for. Only calls that can be repeated without harm are: those that make something carry a key. Default 2.
   */
  retries?: number;
}
