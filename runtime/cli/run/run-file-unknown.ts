/** Unknown keys of a run file: accepted as in the original, but with a warning that says what may have been meant. */
import { isMap, isScalar, isSeq } from "yaml";
import type { Document, Node } from "yaml";
import { keysOf, nearestKey, type Level } from "./run-file-slips.ts";

const places = {
  top: "the run file",
  common: "`common`",
  app: "an app of `apps`",
};

/** One sentence for each, in the file's order; `at` makes an offset a place. */
export function unknownKeys(
  document: Document,
  at: (offset: number) => string,
): string[] {
  const found: string[] = [];
  const look = (node: unknown, level: Level, owner: string) => {
    if (!isMap(node)) return;
    for (const { key } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      // A merge key is a symbol; it stands for the keys of another map.
      if (keysOf[level].includes(name) || name === "Symbol(<<)") continue;
      found.push(
        `${at((key as Node).range![0])}: unknown key ${JSON.stringify(name)} in ${owner}: it is ignored${advice(name, level)}`,
      );
    }
  };
  const top = document.contents;
  look(top, "top", places.top);
  if (!isMap(top)) return found;
  look(top.get("common"), "common", places.common);
  const apps = top.get("apps");
  if (isSeq(apps))
    for (const [index, app] of apps.items.entries())
      look(app, "app", nameOf(app, index));
  return found;
}

function nameOf(app: unknown, at: number): string {
  const id = isMap(app) ? (app.get("appID") ?? app.get("appDirPath")) : "";
  return typeof id === "string" && id !== ""
    ? `app ${JSON.stringify(id)}`
    : `apps[${at}]`;
}

function advice(name: string, level: Level): string {
  const near = nearestKey(name, level);
  if (near) return `; did you mean "${near}"?`;
  const elsewhere = (["app", "common", "top"] as const).filter(
    (other) => other !== level && keysOf[other].includes(name),
  );
  return elsewhere.length > 0
    ? `; it belongs in ${elsewhere.map((other) => places[other]).join(" or ")}`
    : "";
}
