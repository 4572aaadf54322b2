/** What a screen reader is told, once, when an app ends. */
import { useRef } from "preact/hooks";
import type { App } from "../messages.ts";
import { sayEnded } from "./say-ended.ts";
import { view } from "./view.ts";

export function Endings({ apps }: { apps: App[] }) {
  const before = useRef<App[]>([]);
  const said = useRef("");
  if (before.current !== apps) {
    // A list without news leaves what was said: it would be read again otherwise.
    said.current = sayEnded(before.current, apps) || said.current;
    before.current = apps;
  }
  return view`<p class="visually-hidden" role="status">${said.current}</p>`;
}
