/** A page that nobody sees is not painted; it is brought to life all the same. */
const LATEST_MS = 1_000;

/**
 * Calls `start` when the page is loaded and painted: to start takes as long as to paint, on the same processors. Of a page that
 * is loaded the first thing that somebody does calls it, and finds its listeners. Not before it is loaded: htmx, once the document
 * is parsed, waits for that.
 */
export function whenPainted(start: () => void): void {
  let isStarted = false;
  const once = (): void => {
    if (!isStarted) {
      isStarted = true;
      start();
    }
  };
  addEventListener('load', () => {
    for (const kind of ['pointerdown', 'click', 'keydown']) addEventListener(kind, once, true);
    setTimeout(once, LATEST_MS);
    new PerformanceObserver(once).observe({ type: 'paint', buffered: true });
  });
}
