/** Whether something has the app's port. */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const dialIntervalMs = 100;
const dialTimeoutMs = 500;

/** Resolves once something listens; rejects when `signal` aborts. */
export async function whenListening(
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  while (!(await isListening(host, port)))
    await delay(dialIntervalMs, undefined, { signal });
}

/** Whether a TCP connection to the port succeeds. */
export function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: dialTimeoutMs });
    const done = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", done(true));
    socket.once("timeout", done(false));
    socket.once("error", done(false));
  });
}

/** Nothing listened on the port of a call that failed so. */
export function isRefused(error: unknown): boolean {
  for (
    let e = error as Error | undefined;
    e;
    e = e.cause as Error | undefined
  ) {
    if ((e as { code?: string }).code === "ECONNREFUSED") return true;
    const inner = (e as AggregateError).errors;
    if (Array.isArray(inner) && inner.some(isRefused)) return true;
  }
  return false;
}
