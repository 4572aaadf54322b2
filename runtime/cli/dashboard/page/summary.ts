/** What a screen reader is told of the traffic: one sentence now and then. */
import { useEffect, useState } from "preact/hooks";
import type { Store } from "./store.ts";
import { view } from "./view.ts";

const everyMs = 15_000;

interface Counts {
  calls: number;
  deliveries: number;
  errors: number;
}

export function Summary({ store }: { store: Store }) {
  const [text, setText] = useState("");
  useEffect(() => {
    let before: Counts = { ...store.counts };
    const timer = setInterval(() => {
      const now = { ...store.counts };
      setText(sayTraffic(before, now));
      before = now;
    }, everyMs);
    return () => clearInterval(timer);
  }, [store]);
  return view`<p class="visually-hidden" role="status">${text}</p>`;
}

/** Empty if nothing has passed. */
export function sayTraffic(before: Counts, now: Counts): string {
  const calls = now.calls - before.calls;
  const deliveries = now.deliveries - before.deliveries;
  const errors = now.errors - before.errors;
  if (calls + deliveries === 0) return "";
  const count = (number: number, one: string, many: string) =>
    `${number} ${number === 1 ? one : many}`;
  return `In the last ${everyMs / 1000} seconds: ${count(calls, "call", "calls")}, ${count(deliveries, "delivery", "deliveries")}, ${count(errors, "error", "errors")}.`;
}
