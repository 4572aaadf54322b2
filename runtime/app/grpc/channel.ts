/**
 * The app channel over gRPC: calls of the services AppCallback and
 * AppCallbackHealthCheck that the app serves (docs/protocol/app.md).
 */
import {
  AppUnreachable,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import type { OnGrpcCall } from "../../contracts/call.ts";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import type {
  ProxiedCall,
  ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import { createGrpcClient } from "../../net/grpc/client.ts";
import { anybody } from "../../net/grpc/connection.ts";
import { toMetadata } from "../../net/grpc/header-metadata.ts";
import { passOn } from "../../net/grpc/pass-on.ts";
import { GrpcError, grpcCode, nameOfCode } from "../../net/grpc/status.ts";
import { explainTls } from "../../net/no-tls.ts";
import { withPort } from "../../shared/addresses.ts";
import { messageOf } from "../../shared/message-of.ts";
import { createSemaphore } from "../../shared/semaphore.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import { isRefused, whenListening } from "../listening.ts";
import type { AppOptions } from "../options.ts";
import { startTimeLimit } from "../time-limit.ts";
import { createDelivery, type Ask } from "./delivery.ts";
import { createTopics } from "./topics.ts";
import {
  toErrorReply,
  toInvokeRequest,
  toReply,
  type AnswerMetadata,
} from "./invoke.ts";
import { healthCheck, onInvoke } from "./methods.ts";

export interface GrpcChannelOptions extends AppOptions {
  /** `grpcs` is TLS, whoever signed for the app. */
  protocol: "grpc" | "grpcs";
  onGrpcCall?: OnGrpcCall | undefined;
}

export function createGrpcChannel(
  options: GrpcChannelOptions,
): AppChannel & { close(): Promise<void> } {
  const { protocol, address, port, apiToken, maxBodyBytes, log } = options;
  const origin = `${protocol}://${withPort(address, port)}`;
  const client = createGrpcClient({
    host: address,
    port,
    trustAnchors: protocol === "grpcs" ? anybody : undefined,
    pings: false,
    maxMessageBytes: maxBodyBytes,
    onAnswered: options.onGrpcCall,
  });
  /** The limit is that of the body. Around it are its name, its type, its metadata. */
  const maxMessageBytes = maxBodyBytes > 0 ? maxBodyBytes + envelopeBytes : 0;
  const semaphore = createSemaphore(options.maxConcurrency);
  const token: Record<string, string> =
    apiToken === undefined ? {} : { "dapr-api-token": apiToken };

  /** An answer of the app's, or a limit of this side, stays what it is. */
  function failure(error: Error): Error {
    if (isAnswer(error)) return error;
    delivery.forget();
    const cause = explainTls(origin, error);
    const what = wasSent(error)
      ? "was called and gave no whole answer"
      : "could not be called";
    const message = `the app at ${origin} ${what}: ${messageOf(cause)}${hint(error, protocol)}`;
    if (!(error instanceof GrpcError))
      return new AppUnreachable(message, {
        cause: error,
        isAway: isRefused(error),
      });
    const { code, unsent } = error;
    return new AppUnreachable(message, {
      cause: error,
      unsent,
      isAway: isRefused(error),
      answer: toErrorReply(new GrpcError(code, message), {}, unsent),
    });
  }

  const ask: Ask = async (method, request, asking = {}) => {
    const { timeoutMs, probe, metadata, signal } = asking;
    const release = probe ? undefined : await semaphore?.acquire(signal);
    const limit = startTimeLimit(timeoutMs);
    try {
      return await client.unary(method, request, {
        maxMessageBytes,
        metadata: probe ? undefined : { ...metadata, ...token },
        signal: limit?.signal ?? signal,
      });
    } catch (error) {
      throw failure(error as Error);
    } finally {
      limit?.clear();
      release?.();
    }
  };

  const delivery = createDelivery(ask, log);

  async function invoke(request: ForwardRequest): Promise<ForwardReply> {
    const release = await semaphore?.acquire(request.signal);
    const told: AnswerMetadata = { head: {}, trailers: {} };
    try {
      const body = await wholeBody(
        request.body ?? new Uint8Array(0),
        maxBodyBytes,
        () => tooLarge(maxBodyBytes),
        { rest: "dropped" },
      );
      const answer = await client.unary(
        onInvoke,
        toInvokeRequest(request, body),
        {
          maxMessageBytes,
          metadata: { ...toMetadata(request.headers, { onDropped }), ...token },
          signal: request.signal,
          onHead: (head) => (told.head = head),
          onTrailers: (trailers) => (told.trailers = trailers),
        },
      );
      if ((answer.data?.value.length ?? 0) > maxBodyBytes && maxBodyBytes > 0)
        throw answerTooLarge(answer.data!.value.length, maxBodyBytes);
      return toReply(answer, told);
    } catch (error) {
      if (isAnswer(error)) return toErrorReply(error, told.head);
      throw error instanceof GrpcError ? failure(error) : error;
    } finally {
      release?.();
    }
  }

  /** It takes no place of the limit: a stream may stay open for ever, and all else of the app would wait for it. */
  const proxy = (call: ProxiedCall, metadata: ProxiedMetadata) =>
    passOn(call, client, {
      metadata: { ...metadata, ...token },
      explain: failure,
    });

  const onDropped = (name: string) =>
    log.debug(
      `header ${JSON.stringify(name)} of an invocation can't be sent over gRPC and is left out`,
    );

  return {
    refusalOf: delivery.refusalOf,
    deliver: delivery.deliver,
    ...createTopics(ask, log),
    invoke,
    proxy,
    async illness(_path, timeoutMs) {
      try {
        await ask(healthCheck, {}, { timeoutMs, probe: true });
        return undefined;
      } catch (error) {
        if (!isAnswer(error)) return messageOf(error);
        return `HealthCheck answered ${nameOfCode(error.code)}${error.code === grpcCode.unimplemented ? ": let the app serve AppCallbackHealthCheck, or leave out --enable-app-health-check" : ""}`;
      }
    },
    whenListening: (signal) => whenListening(address, port, signal),
    async close() {
      client.close();
    },
  };
}

/** An app's status, or what its server says in the place of one; or a limit of this side. */
const isAnswer = (error: unknown): error is GrpcError =>
  error instanceof GrpcError &&
  (error.origin === "status" ||
    error.origin === "http" ||
    error.origin === "local");

const wasSent = (error: Error): boolean =>
  error instanceof GrpcError && !error.unsent;

const tooLarge = (maxBytes: number) =>
  new CallError(
    "too-large",
    `the body is larger than ${maxBytes} bytes, which an app over gRPC gets at most (--max-body-size)`,
  );

const envelopeBytes = 64 * 1024;

const answerTooLarge = (size: number, maxBytes: number) =>
  new GrpcError(
    grpcCode.resourceExhausted,
    `the app's answer is larger than allowed (${size} of ${maxBytes} bytes)`,
  );

/** For what is mostly the wrong protocol: the app is there, and answers no HTTP/2 or nothing at all. */
function hint(error: Error, protocol: GrpcChannelOptions["protocol"]): string {
  if (!(error instanceof GrpcError) || error.origin !== "unreachable")
    return "";
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  if (code !== undefined && !code.startsWith("ERR_HTTP2")) return "";
  return `; does it speak gRPC ${protocol === "grpcs" ? "with" : "without"} TLS, as --app-protocol says?`;
}
