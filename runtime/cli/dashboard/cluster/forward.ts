/** A free port of this machine that leads to a port of a pod. */
import { doublingBackoff } from "../../../shared/backoff.ts";
import { followKubectl } from "../../kubernetes/follow-kubectl.ts";

/** The first pause before it is opened again. A way that can't be opened is tried less and less often. */
const againMs = 1000;
const mostMs = 15_000;

export interface PodName {
  name: string;
  namespace: string;
}

/** Opened again when it breaks, as when the sidecar restarts, until it is closed. */
export class Forward {
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #port: number | undefined;
  /** Why there is no port; empty while the first try goes on. */
  #why = "";
  #changed = Promise.withResolvers<void>();

  constructor(pod: PodName, remotePort: number) {
    this.#ended = this.#keepOpen(pod, remotePort);
  }

  /** Waits for the first try. Rejects with why there is no port now. */
  async port(): Promise<number> {
    while (this.#port === undefined) {
      if (this.#why) throw new Error(this.#why);
      await this.#changed.promise;
    }
    return this.#port;
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.#ended;
  }

  async #keepOpen(pod: PodName, remotePort: number): Promise<void> {
    const { signal } = this.#closing;
    const pauses = doublingBackoff(againMs, mostMs);
    while (!signal.aborted) {
      const said = await followKubectl(
        [
          "port-forward",
          `pod/${pod.name}`,
          `:${remotePort}`,
          "-n",
          pod.namespace,
          "--address",
          "127.0.0.1",
        ],
        (line) => {
          const port = forwardedPort(line);
          if (port === undefined) return;
          pauses.reset();
          this.#set(port, "");
        },
        signal,
      );
      // At once: another program may get the port, and is not to be told any token.
      this.#set(
        undefined,
        said || `kubectl port-forward to pod ${pod.name} has ended`,
      );
      await pauses.wait(signal);
    }
  }

  #set(port: number | undefined, why: string): void {
    this.#port = port;
    this.#why = why;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** `Forwarding from 127.0.0.1:40123 -> 3500` */
export function forwardedPort(line: string): number | undefined {
  const [, port] =
    /^Forwarding from 127\.0\.0\.1:(\d{1,5}) -> /.exec(line) ?? [];
  return port === undefined ? undefined : Number(port);
}
