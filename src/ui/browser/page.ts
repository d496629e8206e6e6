/** What the server said of the time when the page was made, against this machine's clock. */
let clockOffsetMs = 0;

/** Corrects the page's clock by the server's. */
export function setServerTime(serverMs: number): void {
  clockOffsetMs = serverMs - Date.now();
}

/** The server's time now, in milliseconds since 1970. */
export function serverNow(): number {
  return Date.now() + clockOffsetMs;
}

/** A time of the server by the clock of this machine, which may be wrong. */
export function ownTime(serverMs: number): number {
  return serverMs - clockOffsetMs;
}

/** What says the same already is left alone: screen readers tell of every change. */
export function setText(place: Element, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}

/** A place in a list of so many, as near to `place` as there is one. */
export function within(place: number, length: number): number {
  return Math.min(length - 1, Math.max(0, place));
}

/** Whether somebody has selected a piece of what is inside. */
export function isSelected(place: Element): boolean {
  const selection = getSelection();
  return selection?.isCollapsed === false && place.contains(selection.anchorNode);
}

/** The element of an event's target, or around it, that fits a selector. */
export function closest({ target }: Event, selector: string): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(selector) : null;
}

/** Keeps a preference for the server to read; a year, for the screens only. */
export function keepCookie(name: string, value: string): void {
  const pair = `${name}=${encodeURIComponent(value)}`;
  if (!document.cookie.includes(pair)) document.cookie = `${pair}; path=/ui; max-age=31536000; samesite=strict`;
}

/** A short message for what has no other place. */
export function toast(text: string): void {
  const place = document.getElementById('toast');
  if (!place) return;
  place.textContent = text;
  setTimeout(() => {
    if (place.textContent === text) place.textContent = '';
  }, 4_000);
}

/** Whether keys that are typed belong to what has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** The markup of a part of a page. @throws Error when the server does not give it. */
export async function fetchPart(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { 'X-Xyn-Part': 'main' } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}
