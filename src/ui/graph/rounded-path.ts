type Point = readonly [x: number, y: number];

/** A line along level and upright legs with round corners, as the `d` of an SVG path. */
export function roundedPath(points: readonly Point[], radius: number): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let path = `M${first[0]} ${first[1]}`;
  let before = first;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    if (next === undefined) {
      path += leg(before, point);
      return;
    }
    // A leg between two corners is shared by them.
    const roomBefore = length(before, point) / (index === 0 ? 1 : 2);
    const roomAfter = length(point, next) / (index === rest.length - 2 ? 1 : 2);
    const bend = Math.min(radius, roomBefore, roomAfter);
    const start = toward(point, before, bend);
    const end = toward(point, next, bend);
    path += `${leg(before, start)}Q${point[0]} ${point[1]} ${end[0]} ${end[1]}`;
    before = point;
  });
  return path;
}

function leg(from: Point, to: Point): string {
  return from[1] === to[1] ? `H${to[0]}` : `V${to[1]}`;
}

function length(a: Point, b: Point): number {
  return Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
}

function toward(from: Point, to: Point, distance: number): Point {
  return [from[0] + Math.sign(to[0] - from[0]) * distance, from[1] + Math.sign(to[1] - from[1]) * distance];
}
