/** Waits for a sidecar: for its ports to listen, and to take what we tell it about the run. */
import { connect } from "node:net";
import { putMetadata } from "../instances/sidecar-http.ts";
import type { SidecarAddress } from "../instances/sidecar-http.ts";
import { delay } from "../../shared/timers.ts";

/** The original asks once a second. A sidecar of this kit is up in a tenth of that. */
const pollMs = 25;

/** Says why something is not yet so; nothing once it is. */
type WhyNot = () => Promise<Error | undefined>;

/** Resolves with nothing once it is so, with the last reason if it is not in time. Rejects when aborted. */
export async function waitUntil(
  whyNot: WhyNot,
  timeoutMs: number,
  gone: AbortSignal,
): Promise<Error | undefined> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    gone.throwIfAborted();
    const error = await whyNot();
    if (!error || Date.now() >= deadline) return error;
    await delay(pollMs, undefined, { signal: gone });
  }
}

/** Until somebody listens there, whoever it is. */
export const waitForPort = (
  target: number | string,
  timeoutMs: number,
  gone: AbortSignal,
) => waitUntil(() => tryConnect(target), timeoutMs, gone);

/** Resolves with nothing if somebody listens there: on a port of this machine, or a socket's path. */
export function tryConnect(
  target: number | string,
): Promise<Error | undefined> {
  const socket =
    typeof target === "string"
      ? connect({ path: target })
      : connect({ port: target, host: "127.0.0.1" });
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", resolve);
  });
}

/** As long as the original's five tries with waits of 1, 2, 4 and 8 s. */
const metadataMs = 15_000;

/** Sets one entry of the sidecar's metadata; tries again until the sidecar is up. `whyNot`: why it is not asked yet. */
export async function tell(
  address: SidecarAddress,
  whyNot: WhyNot,
  key: string,
  value: string,
  gone: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + metadataMs;
  for (let waitMs = pollMs; ; waitMs = Math.min(waitMs * 2, 1000)) {
    gone.throwIfAborted();
    try {
      const error = await whyNot();
      if (error) throw error;
      return await putMetadata(address, key, value);
    } catch (error) {
      if (Date.now() + waitMs >= deadline) throw error;
    }
    await delay(waitMs, undefined, { signal: gone });
  }
}
