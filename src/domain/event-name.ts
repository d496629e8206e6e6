const FORMAT = /^[a-z][a-z0-9_]*(?:\.[a-z0-9][a-z0-9_]*)+$/;

/** Characters of an event name, at most. */
export const MAX_EVENT_NAME = 200;

/** Whether a text is an event name: two or more lower-case segments, like `checkmk.alert`. */
export function isEventName(text: string): boolean {
  return text.length <= MAX_EVENT_NAME && FORMAT.test(text);
}

/** Whether only Xyn itself emits events of that name; `xyn.cicd.` is the part of its name space that is open to others. */
export function isReservedEventName(name: string): boolean {
  return name.startsWith('xyn.') && !name.startsWith('xyn.cicd.');
}

/**
 * All trigger patterns that an event's name can match: the name itself, `a.*` for one further segment, `a.**` for one or
 * more. Looking these up by equality needs no scan over all triggers.
 */
export function patternsOf(name: string): string[] {
  const segments = name.split('.');
  const prefixes = segments.slice(0, -1).map((_, ix) => segments.slice(0, ix + 1).join('.'));
  const parent = prefixes.at(-1);
  return [name, ...(parent === undefined ? [] : [`${parent}.*`]), ...prefixes.map((prefix) => `${prefix}.**`)];
}

/** Whether a trigger's pattern matches an event's name. */
export function matchesPattern(pattern: string, name: string): boolean {
  return patternsOf(name).includes(pattern);
}
