/** What a screen reader is told of the traffic: one sentence now and then. */
import { useEffect, useState } from "preact/hooks";
import { sayTraffic } from "./describe-event.ts";
import type { Counts, Store } from "./store.ts";
import { view } from "./view.ts";

const everyMs = 15_000;

export function Summary({ store }: { store: Store }) {
  const [text, setText] = useState("");
  useEffect(() => {
    let before: Counts = { ...store.counts };
    const timer = setInterval(() => {
      const now = { ...store.counts };
      setText(sayTraffic(before, now, everyMs / 1000));
      before = now;
    }, everyMs);
    return () => clearInterval(timer);
  }, [store]);
  return view`<p class="visually-hidden" role="status">${text}</p>`;
}
