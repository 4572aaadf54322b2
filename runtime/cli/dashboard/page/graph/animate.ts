/** Draws the dots of messages, for as long as there are any. */
import { isError, type Seen, type Store } from "../store.ts";
import { deliveryDelayMs, Dots, radiusOf } from "./dots.ts";
import type { Model } from "./model.ts";
import { routeOf, type Step } from "./route.ts";

const svg = "http://www.w3.org/2000/svg";
const litMs = 600;

/** Follows the store. Returns what ends it. */
export function animate(
  store: Store,
  { apps }: Model,
  picture: SVGSVGElement,
): () => void {
  const layer = picture.querySelector(".dots")!;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const dots = new Dots();
  const pathOf = (edge: string) =>
    picture.querySelector<SVGPathElement>(`[data-edge="${CSS.escape(edge)}"]`);
  let frame = 0;

  function draw(nowMs: number): void {
    layer.replaceChildren(
      ...dots.places(nowMs).flatMap(({ dot, step, part }) => {
        const path = pathOf(step.edge);
        if (!path) return [];
        const { x, y } = path.getPointAtLength(path.getTotalLength() * part);
        return dotAt(x, y, dot.count, dot.isError);
      }),
    );
    frame = dots.isEmpty ? 0 : requestAnimationFrame(draw);
  }

  function onSeen(seen: Seen): void {
    // A page in the background draws nothing.
    if (document.hidden) return;
    const steps = routeOf(seen, apps, (edge) => pathOf(edge) !== null);
    if (still.matches) return lightUp(steps, pathOf);
    const delayMs = seen.event.type === "delivery" ? deliveryDelayMs : 0;
    dots.add(steps, isError(seen.event), performance.now() + delayMs);
    frame ||= requestAnimationFrame(draw);
  }

  const end = store.onSeen(onSeen);
  return () => {
    end();
    cancelAnimationFrame(frame);
    layer.replaceChildren();
  };
}

function dotAt(x: number, y: number, count: number, isWrong: boolean) {
  const dot = document.createElementNS(svg, "g");
  dot.setAttribute("class", isWrong ? "dot wrong" : "dot");
  dot.setAttribute("transform", `translate(${x} ${y})`);
  const circle = document.createElementNS(svg, "circle");
  circle.setAttribute("r", String(radiusOf(count)));
  dot.append(circle);
  // Not by colour alone.
  const text = count > 1 ? String(count) : isWrong ? "×" : "";
  if (text) {
    const label = document.createElementNS(svg, "text");
    label.textContent = text;
    label.setAttribute("text-anchor", "middle");
    label.setAttribute("dy", "0.35em");
    dot.append(label);
  }
  return [dot];
}

/** Without motion: the edges are marked for a moment. */
function lightUp(
  steps: readonly Step[],
  pathOf: (edge: string) => SVGPathElement | null,
): void {
  for (const { edge } of steps) {
    const path = pathOf(edge);
    path?.classList.add("lit");
    setTimeout(() => path?.classList.remove("lit"), litMs);
  }
}
