/** Saves numbered values through a sidecar and records which were acknowledged. */
import { Agent } from "node:http";
import { call } from "../support/http.ts";
import { items, statePath } from "../support/state-store.ts";

export interface Saving {
  /** The keys that got a 204. */
  acked: number[];
  refusals: { key: number; status: number; text: string }[];
  /** Resolves with the last key's 204. */
  done: Promise<void>;
  /** Sends no more saves. */
  stop(): Promise<void>;
}

/** The value of a key: its number, and padding by which a torn row shows. */
export const valueOf = (key: number, padding: number) => ({
  key,
  padding: `${key},`.repeat(padding).slice(0, padding),
});

/** The time after which a refused save is sent again. */
const againMs = 20;

/** Each of the `callers` saves one key after the other, and sends each until it is acknowledged. */
export function startSaving(
  port: () => number,
  {
    count,
    callers = 16,
    padding = 100,
  }: { count: number; callers?: number; padding?: number },
): Saving {
  const acked: number[] = [];
  const refusals: Saving["refusals"] = [];
  const agent = new Agent({ keepAlive: true });
  let next = 0;
  let going = true;

  async function save(key: number) {
    const body = items({ key: `k${key}`, value: valueOf(key, padding) });
    while (going) {
      const { status, text } = await call(port(), "POST", statePath, {
        agent,
        body,
      }).catch((error: Error) => ({ status: 0, text: error.message }));
      if (status === 204) return void acked.push(key);
      refusals.push({ key, status, text });
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  async function caller() {
    while (going && next < count) await save(next++);
  }

  const done = Promise.all(Array.from({ length: callers }, caller)).then(() =>
    agent.destroy(),
  );
  return {
    acked,
    refusals,
    done,
    stop() {
      going = false;
      return done;
    },
  };
}

/** Expects every acknowledged key complete, and every other key complete or absent. */
export async function expectWhole(
  port: number,
  saving: Saving,
  padding = 100,
): Promise<void> {
  // More may be acknowledged meanwhile.
  const acked = new Set(saving.acked);
  const keysRefused = saving.refusals.map(({ key }) => key);
  const refused = new Set(keysRefused.filter((key) => !acked.has(key)));
  const all = [...acked, ...refused];
  const found = new Map<string, unknown>();
  for (let from = 0; from < all.length; from += 500) {
    const keys = all.slice(from, from + 500).map((key) => `k${key}`);
    const reply = await call(port, "POST", `${statePath}/bulk`, {
      body: JSON.stringify({ keys }),
    });
    expect(reply.status).toBe(200);
    for (const one of reply.json() as { key: string; data?: unknown }[])
      found.set(one.key, one.data);
  }
  for (const key of acked)
    expect(found.get(`k${key}`)).toEqual(valueOf(key, padding));
  for (const key of refused)
    expect([undefined, valueOf(key, padding)]).toContainEqual(
      found.get(`k${key}`),
    );
}
