/** The picture of what runs, along which messages move. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { printable } from "../../../printable.ts";
import type { App } from "../../messages.ts";
import { useKey, type Store } from "../store.ts";
import { view } from "../view.ts";
import { animate } from "./animate.ts";
import { fit, layOut, topicY, type Box, type Layout } from "./layout.ts";
import {
  appNode,
  componentNode,
  modelOf,
  noteUse,
  nothingUsed,
  sidecarNode,
  type ComponentNode,
  type Model,
} from "./model.ts";

const headings = ["Apps", "Sidecars", "Components"];

export function Graph({ store, apps }: { store: Store; apps: App[] }) {
  const place = useRef<HTMLDivElement>(null);
  const picture = useRef<SVGSVGElement>(null);
  const used = useRef(nothingUsed());
  const [width, setWidth] = useState(0);
  const [news, setNews] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry!.contentRect.width)),
    );
    observer.observe(place.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(
    () =>
      store.onSeen((seen) => {
        if (noteUse(used.current, seen)) setNews((n) => n + 1);
      }),
    [store],
  );
  const model = useMemo(() => modelOf(apps, used.current), [apps, news]);
  const layout = useMemo(() => layOut(model, width), [model, width]);
  useEffect(
    () =>
      picture.current ? animate(store, model, picture.current) : undefined,
    [store, model, width > 0],
  );
  return view`<div class="graph" ref=${place}>
    ${
      width > 0 &&
      view`<svg ref=${picture} role="img" aria-label=${labelOf(model)}
        width=${layout.width} height=${layout.height}
        viewBox=${`0 0 ${layout.width} ${layout.height}`}>
        ${headings.map((text, n) => view`<text class="heading" x=${layout.columns[n]} y="16">${text}</text>`)}
        ${model.edges.map(({ id, kind }) => view`<path key=${id} class=${`edge ${kind}`} data-edge=${id} d=${layout.paths.get(id)} />`)}
        ${model.apps.map((app) => view`<${AppBoxes} key=${app.sidecar} app=${app} layout=${layout} />`)}
        ${model.components.map((node) => view`<${ComponentBox} key=${node.id} node=${node} model=${model} box=${layout.boxes.get(node.id)} store=${store} />`)}
        <g class="dots"></g>
      </svg>`
    }
  </div>`;
}

/** What a screen reader says in place of the picture; the sections below it have the rest. */
function labelOf({ apps, components }: Model): string {
  const listed = (names: string[]) =>
    names.length === 0 ? "none" : printable(names.join(", "));
  return `Apps with a sidecar each: ${listed(apps.map(({ appId, hasEnded }) => (hasEnded ? `${appId} (ended)` : appId)))}. Components: ${listed(components.map(({ name, topics }) => (topics.length > 0 ? `${name} with the topics ${topics.join(", ")}` : name)))}.`;
}

function AppBoxes({ app, layout }: { app: App; layout: Layout }) {
  const appBox = layout.boxes.get(appNode(app.sidecar))!;
  const box = layout.boxes.get(sidecarNode(app.sidecar))!;
  const hasApp =
    app.appPort > 0 ||
    app.appPid > 0 ||
    app.command !== "" ||
    app.pod !== undefined;
  return view`
    <g class=${hasApp && !app.hasEnded ? "node app" : "node app absent"}>
      <${Frame} box=${appBox} title=${app.command || app.pod?.containers.join(", ") || app.appId} />
      <${Line} box=${appBox} y="24" strong text=${app.appId} />
      <${Line} box=${appBox} y="44" text=${app.hasEnded ? "✗ ended" : [app.appPort > 0 ? `port ${app.appPort}` : hasApp ? "no port" : "no app", app.pod?.namespace].filter(Boolean).join(", ")} />
    </g>
    <g class=${app.isWatched ? "node sidecar watched" : "node sidecar"}>
      <${Frame} box=${box} title=${[app.pod?.name, app.hasEnded ? "The sidecar. Its app has ended." : (app.note ?? "The sidecar.")].filter(Boolean).join(": ")} />
      <${Line} box=${box} y="24" strong text=${app.pod?.name ?? `:${app.httpPort}`} keepsEnd=${app.pod !== undefined} />
      <${Line} box=${box} y="44" text=${app.hasEnded ? "without its app" : app.isWatched ? "watched" : "not watched"} />
    </g>`;
}

interface ComponentBoxProps {
  node: ComponentNode;
  model: Model;
  box: Box;
  store: Store;
}

function ComponentBox({ node, model, box, store }: ComponentBoxProps) {
  const count = (topic: string) =>
    model.apps
      .filter((app) => componentNode(app, node.name) === node.id)
      .reduce(
        (sum, { sidecar }) =>
          sum + (store.uses.get(useKey(sidecar, node.name, topic)) ?? 0),
        0,
      );
  const all = count("");
  return view`<g class="node component">
    <${Frame} box=${box} title=${`${node.name} (${node.type})`} />
    <${Line} box=${box} y="24" strong text=${node.name} count=${all} />
    <${Line} box=${box} y="44" text=${node.type} />
    ${node.topics.map(
      (topic, n) => view`<g key=${topic} class="topic">
        <line x1=${box.x} x2=${box.x + box.width} y1=${box.y + topicY(n) - 11} y2=${box.y + topicY(n) - 11} />
        <${Line} box=${box} y=${topicY(n) + 4} text=${topic} count=${count(topic)} />
      </g>`,
    )}
  </g>`;
}

const Frame = ({ box, title }: { box: Box; title: string }) =>
  view`<rect x=${box.x} y=${box.y} width=${box.width} height=${box.height} rx="8"><title>${printable(title)}</title></rect>`;

interface LineProps {
  box: Box;
  y: number | string;
  text: string;
  strong?: boolean;
  /** How often it was used. */
  count?: number;
  /** Pods of one app differ in the last characters of their names. */
  keepsEnd?: boolean;
}

function Line({
  box,
  y,
  text,
  strong = false,
  count = 0,
  keepsEnd = false,
}: LineProps) {
  const told = count > 0 ? String(count) : "";
  const width = box.width - told.length * 8;
  const top = box.y + Number(y);
  return view`<text x=${box.x + 9} y=${top} class=${strong ? "strong" : ""}>${fit(printable(text), width, keepsEnd)}</text>
    ${told && view`<text x=${box.x + box.width - 8} y=${top} class="count" text-anchor="end">${told}</text>`}`;
}
