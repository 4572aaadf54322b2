/** The list of calls and deliveries: filter, pause, and the one that is looked at. */
import { useRef, useState } from "preact/hooks";
import { Detail } from "./detail.ts";
import { filtered, rowOf } from "./describe-event.ts";
import { maxSeen, type Seen, type Store } from "./store.ts";
import { view } from "./view.ts";

/** More rows would only cost the browser time. The filter looks at all that are kept. */
const maxRows = 200;

export function Traffic({ store }: { store: Store }) {
  const [filter, setFilter] = useState("");
  const [errorsOnly, setErrorsOnly] = useState(false);
  /** What was there when the list was paused. */
  const [frozen, setFrozen] = useState<readonly Seen[]>();
  const [chosen, setChosen] = useState<Seen>();
  const listed = frozen ?? store.seen;
  const found = filtered(listed, filter, errorsOnly);
  const rows = found.slice(0, maxRows);
  const waiting = frozen
    ? store.seen.filter(({ n }) => n > (frozen.at(-1)?.n ?? 0)).length
    : 0;
  return view`<section aria-labelledby="traffic-title" class="traffic">
    <h2 id="traffic-title">Calls and deliveries</h2>
    <div class="toolbar">
      <label class="grow">Filter
        <input type="search" value=${filter} placeholder="app, path, topic, status, body"
          onInput=${(event: InputEvent) => setFilter((event.currentTarget as HTMLInputElement).value)} />
      </label>
      <label class="check"><input type="checkbox" checked=${errorsOnly}
        onChange=${() => setErrorsOnly(!errorsOnly)} /> Errors only</label>
      <button type="button" aria-pressed=${String(frozen !== undefined)}
        onClick=${() => setFrozen(frozen ? undefined : store.seen)}>Pause</button>
      <button type="button" onClick=${() => {
        store.clear();
        setFrozen(frozen && []);
        setChosen(undefined);
      }}>Clear</button>
    </div>
    <p class="hint">${sayCount(listed.length, found.length, waiting, store.counts.missed)}</p>
    <div class="split">
      <${List} rows=${rows} chosen=${chosen} choose=${setChosen} />
      <${Detail} seen=${chosen} />
    </div>
  </section>`;
}

function sayCount(
  all: number,
  found: number,
  waiting: number,
  missed: number,
): string {
  const parts = [
    found === all ? `${all} shown` : `${found} of ${all} match`,
    ...(found > maxRows ? [`the newest ${maxRows} listed`] : []),
    ...(all >= maxSeen ? [`older ones than the last ${maxSeen} are gone`] : []),
    ...(waiting > 0 ? [`paused, ${waiting} more have come`] : []),
    ...(missed > 0 ? [`${missed} came too fast and are not shown`] : []),
  ];
  return `${parts.join("; ")}.`;
}

interface ListProps {
  rows: readonly Seen[];
  chosen: Seen | undefined;
  choose(seen: Seen): void;
}

/** One stop of the Tab key; the arrows choose in it. */
function List({ rows, chosen, choose }: ListProps) {
  const list = useRef<HTMLUListElement>(null);
  const at = rows.findIndex(({ n }) => n === chosen?.n);
  const go = (to: number) => {
    const seen = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (!seen) return;
    choose(seen);
    list.current
      ?.querySelector(`#event-${seen.n}`)
      ?.scrollIntoView({ block: "nearest" });
  };
  const moves: Record<string, () => void> = {
    ArrowDown: () => go(at + 1),
    ArrowUp: () => go(at - 1),
    PageDown: () => go(at + 10),
    PageUp: () => go(at - 10),
    Home: () => go(0),
    End: () => go(rows.length - 1),
    Enter: () => go(Math.max(0, at)),
    " ": () => go(Math.max(0, at)),
  };
  return view`<ul ref=${list} class="events" role="listbox" tabindex="0" aria-labelledby="traffic-title"
    aria-activedescendant=${at < 0 ? undefined : `event-${chosen!.n}`}
    onKeyDown=${(event: KeyboardEvent) => {
      const move = Object.hasOwn(moves, event.key)
        ? moves[event.key]
        : undefined;
      if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      move();
    }}>
    ${rows.map((seen) => view`<${Item} key=${seen.n} seen=${seen} isChosen=${seen.n === chosen?.n} choose=${choose} />`)}
    ${rows.length === 0 && view`<li class="nothing" role="option" aria-disabled="true" aria-selected="false">Nothing yet. What passes the sidecars from now on stands here.</li>`}
  </ul>`;
}

interface ItemProps {
  seen: Seen;
  isChosen: boolean;
  choose(seen: Seen): void;
}

function Item({ seen, isChosen, choose }: ItemProps) {
  const { time, app, way, what, status, ms, isError } = rowOf(seen);
  return view`<li id=${`event-${seen.n}`} role="option" aria-selected=${String(isChosen)}
    class=${isError ? "event wrong" : "event"} onClick=${() => choose(seen)}>
    <span class="time">${time}</span> <span class="who">${app}</span>
    <span class="way">${way === "call" ? "calls" : "gets"}</span>
    <span class="what">${what}</span> <span class="status">${status}</span> <span class="ms">${ms}</span>
  </li>`;
}
