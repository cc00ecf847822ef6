/** SVG paths of lines and steps. */

export interface Point {
  x: number;
  y: number;
}

const at = ({ x, y }: Point) => `${round(x)} ${round(y)}`;
const round = (value: number) => Number(value.toFixed(2));

export function drawLine(points: readonly Point[]): string {
  return points.map((point, index) => `${index === 0 ? "M" : "L"}${at(point)}`).join("");
}

/** A value holds until the next one. */
export function drawSteps(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      return before === undefined ? `M${at(point)}` : `L${at({ x: point.x, y: before.y })}L${at(point)}`;
    })
    .join("");
}
