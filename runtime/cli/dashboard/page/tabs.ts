/** Tabs: one stop of the Tab key, the arrows move between them. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { view } from "./view.ts";

export interface TabsProps {
  /** Of all of them, for a screen reader. */
  label: string;
  names: readonly string[];
  chosen: string;
  choose(name: string): void;
  children?: ComponentChildren;
}

export function Tabs({ label, names, chosen, choose, children }: TabsProps) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = names.indexOf(chosen);
    const to = {
      ArrowRight: (at + 1) % names.length,
      ArrowLeft: (at + names.length - 1) % names.length,
      Home: 0,
      End: names.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(names[to]!);
    list.current
      ?.querySelectorAll<HTMLButtonElement>("[role=tab]")
      [to]?.focus();
  };
  return view`<div class="tabs" role="tablist" aria-label=${label} ref=${list} onKeyDown=${onKeyDown}>
      ${names.map(
        (
          name,
        ) => view`<button key=${name} type="button" role="tab" id=${`tab-${name}`} aria-controls="tab-panel"
          aria-selected=${String(name === chosen)} tabindex=${name === chosen ? 0 : -1}
          onClick=${() => choose(name)}>${name}</button>`,
      )}
    </div>
    <div role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${chosen}`}>${children}</div>`;
}
