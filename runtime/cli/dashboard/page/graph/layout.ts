/** Where everything stands: three columns, apps, sidecars and components, each in the middle of the height. */
import { appNode, sidecarNode, type Edge, type Model } from "./model.ts";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  /** The left edges of the columns. */
  columns: [number, number, number];
  boxes: Map<string, Box>;
  /** For each edge the `d` of its SVG path. */
  paths: Map<string, string>;
}

const head = 28;
const appHeight = 58;
const rowHeight = 22;
const gap = 18;
const least = 280;

export const topicY = (index: number): number =>
  appHeight - 4 + index * rowHeight + rowHeight / 2;

const componentHeight = (topics: number): number =>
  topics === 0 ? appHeight : appHeight + topics * rowHeight;

/** `available`: in CSS pixels; on less than 280 the picture is wider than its place. */
export function layOut(model: Model, available: number): Layout {
  const width = Math.max(least, Math.floor(available));
  const aisle = Math.max(20, Math.min(160, Math.floor(width * 0.12)));
  const box = Math.min(240, Math.floor((width - 2 * aisle - 2) / 3));
  const used = 3 * box + 2 * aisle;
  const left = Math.floor((width - used) / 2);
  const columns: Layout["columns"] = [
    left,
    left + box + aisle,
    left + 2 * (box + aisle),
  ];
  const appsHeight = stackHeight(model.apps.map(() => appHeight));
  const componentsHeight = stackHeight(
    model.components.map(({ topics }) => componentHeight(topics.length)),
  );
  const inner = Math.max(appsHeight, componentsHeight, appHeight);
  const boxes = new Map<string, Box>();
  let y = head + (inner - appsHeight) / 2;
  for (const { sidecar } of model.apps) {
    for (const [node, column] of [
      [appNode(sidecar), 0],
      [sidecarNode(sidecar), 1],
    ] as const)
      boxes.set(node, { x: columns[column], y, width: box, height: appHeight });
    y += appHeight + gap;
  }
  y = head + (inner - componentsHeight) / 2;
  for (const { id, topics } of model.components) {
    const height = componentHeight(topics.length);
    boxes.set(id, { x: columns[2], y, width: box, height });
    y += height + gap;
  }
  return {
    width,
    height: head + inner + 2,
    columns,
    boxes,
    paths: new Map(
      model.edges.map((edge) => [edge.id, pathOf(edge, model, boxes)]),
    ),
  };
}

const stackHeight = (heights: readonly number[]): number =>
  heights.reduce((sum, height) => sum + height, 0) +
  gap * Math.max(0, heights.length - 1);

function pathOf(
  { from, to, topic, kind }: Edge,
  { components }: Model,
  boxes: ReadonlyMap<string, Box>,
): string {
  const [start, end] = [boxes.get(from)!, boxes.get(to)!];
  const startX = start.x + start.width;
  const startY = start.y + start.height / 2;
  if (kind === "peer") {
    // From the right side of one sidecar to that of the other, around what is between them.
    const endY = end.y + end.height / 2;
    const bow = startX + 14 + Math.min(40, Math.abs(endY - startY) / 6);
    return `M ${startX} ${startY} C ${bow} ${startY} ${bow} ${endY} ${startX} ${endY}`;
  }
  const row =
    topic === undefined
      ? -1
      : (components.find(({ id }) => id === to)?.topics.indexOf(topic) ?? -1);
  const endY = end.y + (row < 0 ? appHeight / 2 : topicY(row));
  const middle = (startX + end.x) / 2;
  return `M ${startX} ${startY} C ${middle} ${startY} ${middle} ${endY} ${end.x} ${endY}`;
}

/** Cuts a text to what a box of this width shows, at 8 pixels a character. */
export function fit(text: string, width: number, keepsEnd = false): string {
  const most = Math.max(4, Math.floor((width - 16) / 8));
  const chars = [...text];
  if (chars.length <= most) return text;
  return keepsEnd
    ? `…${chars.slice(1 - most).join("")}`
    : `${chars.slice(0, most - 1).join("")}…`;
}
