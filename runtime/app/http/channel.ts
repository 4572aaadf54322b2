/**
 * The app channel over HTTP: keep-alive connections to the user's app, its API
 * token, at most `maxConcurrency` calls at a time (docs/protocol/app.md).
 */
import { Readable } from "node:stream";
import { DeliveryError } from "../../contracts/delivery.ts";
import {
  AppUnreachable,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  isConnectError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import { createHttp1Client, type Http1Client } from "../../net/http1/client.ts";
import type { Http1Target } from "../../net/http1/connection.ts";
import { withoutBinary } from "../../shared/binary-names.ts";
import { createSemaphore } from "../../shared/semaphore.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import { isRefused, whenListening } from "../listening.ts";
import type { AppOptions } from "../options.ts";
import { startTimeLimit } from "../time-limit.ts";
import { createDelivery, type Send } from "./delivery.ts";
import { createTopics } from "./topics.ts";

export interface HttpChannelOptions extends AppOptions {
  protocol: "http" | "https" | "h2c";
}

export async function createHttpChannel(
  options: HttpChannelOptions,
): Promise<AppChannel & { close(): Promise<void> }> {
  const { protocol, address, port, apiToken, maxBodyBytes } = options;
  const host = address.includes(":") ? `[${address}]` : address;
  const origin = `${protocol === "https" ? "https" : "http"}://${host}:${port}`;
  const target = { host: address, port, authority: `${host}:${port}` };
  const client: Pick<Http1Client, "forward"> & { close(): unknown } =
    protocol === "http"
      ? createHttp1Client(target)
      : protocol === "h2c"
        ? await createH2cClient(origin)
        : await createTlsClient(origin, target);
  const semaphore = createSemaphore(options.maxConcurrency);

  const failure = (error: unknown) =>
    error instanceof DeliveryError || error instanceof CallError
      ? error
      : new AppUnreachable(
          `the app at ${origin} could not be called: ${messageOf(error)}`,
          {
            cause: error,
            unsent: isConnectError(error),
            isAway: isRefused(error),
          },
        );

  async function invoke(request: ForwardRequest): Promise<ForwardReply> {
    if (request.method === "NONE")
      throw new CallError(
        "invalid",
        "invalid HTTP verb: an app over HTTP is called with one",
      );
    const release = await semaphore?.acquire(request.signal);
    try {
      const headers = withoutBinary(request.headers);
      const reply = await client.forward({ ...request, headers }, apiToken);
      // The turn is given back only when the answer is read: until then the app is busy.
      if (release && reply.body instanceof Readable)
        reply.body.once("close", release);
      else release?.();
      return { ...reply, headers: withoutBinary(reply.headers) };
    } catch (error) {
      release?.();
      throw failure(error);
    }
  }

  const tooLarge = (status: number) =>
    new DeliveryError(
      `the app's answer is larger than ${maxBodyBytes} bytes`,
      status,
    );

  const send: Send = async (method, path, request = {}) => {
    const { body, timeoutMs, probe, signal: given } = request;
    const headers = Object.entries(request.headers ?? {}).flat();
    const release = probe ? undefined : await semaphore?.acquire(given);
    const limit = startTimeLimit(timeoutMs);
    const signal = limit?.signal ?? given;
    try {
      const reply = await client.forward(
        { method, path, headers, body, signal },
        probe ? undefined : apiToken,
      );
      return {
        status: reply.status,
        body: await wholeBody(reply.body, maxBodyBytes, () =>
          tooLarge(reply.status),
        ),
      };
    } catch (error) {
      throw failure(error);
    } finally {
      limit?.clear();
      release?.();
    }
  };

  return {
    ...createDelivery(send, options.log),
    ...createTopics(send, options.appId, options.log),
    invoke,
    async illness(path, timeoutMs) {
      try {
        const { status } = await send("GET", path, { timeoutMs, probe: true });
        return status >= 200 && status < 300
          ? undefined
          : `GET ${path} answered ${status}`;
      } catch (error) {
        return (error as Error).message;
      }
    },
    whenListening: (signal) => whenListening(address, port, signal),
    async close() {
      await client.close();
    },
  };
}

/** For apps that speak HTTP/2; loaded only for them. */
async function createH2cClient(origin: string) {
  const { createHttp2Client } = await import("../../net/http2/client.ts");
  return createHttp2Client(origin);
}

/** For apps that speak TLS, whoever signed for them; loaded only for them. */
async function createTlsClient(
  origin: string,
  target: Http1Target,
): Promise<Http1Client> {
  const { connect } = await import("node:tls");
  const { explainTls } = await import("../../net/no-tls.ts");
  const { host, port } = target;
  const client = createHttp1Client({
    ...target,
    connectTls: () =>
      connect({ host, port, rejectUnauthorized: false }).setNoDelay(),
  });
  return {
    ...client,
    forward: (request, apiToken) =>
      client.forward(request, apiToken).catch((error: Error) => {
        throw explainTls(origin, error);
      }),
  };
}
