/** Input bindings over HTTP: the app is asked by `OPTIONS /<route>`, and gets each message by `POST /<route>`. */
import type { AppChannel } from "../../contracts/app-channel.ts";
import { DeliveryError } from "../../contracts/delivery.ts";
import type { Logger } from "../../shared/log.ts";
import { deliveryHeaders } from "./delivery-headers.ts";
import { routePath } from "./route-path.ts";

/** What the app answered. `body` is at most the body limit. */
export interface AppReply {
  status: number;
  body: Uint8Array;
}

/**
 * Sends a request and reads the answer. Waits for its turn when concurrency is
 * limited. Rejects with {@link DeliveryError}.
 */
export type Send = (
  method: string,
  path: string,
  options?: {
    body?: Uint8Array;
    headers?: Record<string, string>;
    timeoutMs?: number;
    signal?: AbortSignal | undefined;
    /** A health probe: waits for no turn and carries no token. */
    probe?: boolean;
  },
) => Promise<AppReply>;

export function createDelivery(
  send: Send,
  log: Logger,
): Pick<AppChannel, "refusalOf" | "deliver"> {
  const warned = new Set<string>();

  return {
    /** 2xx and 405 mean yes. */
    async refusalOf({ route }, timeoutMs) {
      const { status } = await send("OPTIONS", routePath(`/${route}`), {
        timeoutMs,
      });
      if ((status >= 200 && status < 300) || status === 405) return undefined;
      return `OPTIONS /${route} answered ${status}, not 2xx or 405, so nothing is delivered; give the app the route POST /${route}, or the component the metadata route (the app's path) or direction: output`;
    },

    /** 2xx means taken. */
    async deliver({ name, route }, { data, metadata }, signal, onAnswer) {
      const headers = deliveryHeaders(metadata, data, (header) => {
        const key = `${name} ${header}`;
        if (warned.has(key) || warned.size > 1000) return;
        warned.add(key);
        log.warn(
          `input binding ${name}: header ${JSON.stringify(header)} can't be sent over HTTP and is left out; escapeHeaders: "true" would carry it`,
        );
      });
      const { status, body } = await send("POST", routePath(`/${route}`), {
        body: data,
        headers,
        signal,
      });
      onAnswer?.(status, body);
      if (status >= 200 && status < 300) return { data: body };
      throw new DeliveryError(
        `fails to send binding event to http app channel, status code: ${status} body: ${Buffer.from(body).toString("utf8", 0, 1024)}${status === 431 ? tooLarge(headers) : ""}`,
        status,
      );
    },
  };
}

/** For 431, where the app's server names no size. */
function tooLarge(headers: Record<string, string>): string {
  let size = 0;
  for (const name in headers)
    size += name.length + Buffer.byteLength(headers[name]!, "latin1") + 4;
  return `; the message's headers take ${size} bytes, more than the app's server accepts: raise its limit (of Node's: --max-http-header-size), or leave headers out`;
}
