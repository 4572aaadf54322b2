/** Calls of other apps with the policies of a Resiliency around (contracts/invocation-policies.ts). */
import { once } from "node:events";
import { Readable } from "node:stream";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import type {
  CallTarget,
  InvocationPolicies,
} from "../../contracts/invocation-policies.ts";
import { PolicyError } from "../../contracts/run.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import { proxyWith } from "./proxied-calls.ts";
import type { Resiliencies } from "./resiliencies.ts";
import { retryPauseMs, runWith, type Failure, type Policy } from "./runner.ts";

export interface InvocationPoliciesOptions {
  resiliencies: Resiliencies;
  /** A body of known length up to this is kept, so that it can be sent again. */
  keptBytes: number;
}

export function createInvocationPolicies({
  resiliencies,
  keptBytes,
}: InvocationPoliciesOptions): InvocationPolicies {
  const policyFor = (to: () => CallTarget): Policy | undefined => {
    if (resiliencies.isEmpty()) return undefined;
    const { target, keys, endpoint } = to();
    return resiliencies.app(target, keys, endpoint);
  };
  return {
    call(to, request, send) {
      const policy = policyFor(to);
      return policy ? callWith(policy, request, send) : send(request);
    },
    proxy(to, call, pass) {
      const policy = policyFor(to);
      return policy ? proxyWith(policy, call, pass, keptBytes) : pass(call);
    },
    serviceRetries(keys) {
      const retry = resiliencies.serviceRetries(keys);
      return retry
        ? {
            maxRetries: retry.maxRetries,
            pauseMs: (n) => retryPauseMs(retry, n),
          }
        : noRetries;
    },
  };

  async function callWith(
    policy: Policy,
    request: ForwardRequest,
    send: (request: ForwardRequest) => Promise<ForwardReply>,
  ): Promise<ForwardReply> {
    const body = await bodyFor(policy, request);
    const isSentOnce = body instanceof Readable;
    const judged = (failure: Failure | undefined) =>
      failure && isSentOnce ? { ...failure, isFinal: true } : failure;
    return runWith(
      policy,
      async (signal) => {
        const { headers } = request;
        const reply = await send({
          ...request,
          body,
          headers: headers.slice(),
          ...(signal && { signal }),
        });
        if (signal) endWith(reply, signal);
        return reply;
      },
      {
        caller: request.signal,
        judge: (reply) => judged(failureOfReply(reply)),
        failureOf: (error) => judged(failureOf(error))!,
        drop,
        whole,
      },
    );
  }

  /** A stream can be sent once: where tries may follow it is read before, if it is known to be short enough. */
  async function bodyFor(
    { retry }: Policy,
    { body, headers }: ForwardRequest,
  ): Promise<ForwardRequest["body"]> {
    if (!(body instanceof Readable) || !retry || retry.maxRetries === 0)
      return body;
    const length = lengthIn(headers);
    if (length === undefined || length > keptBytes) return body;
    return wholeBody(body, keptBytes, () => new Error("stream too large"), {
      rest: "paused",
    });
  }
}

const noRetries = { maxRetries: 0, pauseMs: () => 0 };

function lengthIn(headers: readonly string[]): number | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === "content-length") {
      const length = Number(headers[i + 1]);
      return Number.isSafeInteger(length) ? length : undefined;
    }
  return undefined;
}

/** An answer from 200 to 399 is a success, as is an app over gRPC's OK. */
function failureOfReply({ status, grpc }: ForwardReply): Failure | undefined {
  if (grpc) return grpc.code === 0 ? undefined : { code: grpc.code };
  return status >= 200 && status <= 399 ? undefined : { code: status };
}

/** What can't be sent at all can't be sent later either. Without an answer there is no code. */
function failureOf(error: unknown): Failure {
  const isFinal =
    error instanceof CallError &&
    ["invalid", "too-large", "unimplemented"].includes(error.kind);
  return isFinal ? { isFinal } : {};
}

function drop({ body }: ForwardReply): void {
  if (body instanceof Readable) body.on("error", () => {}).destroy();
}

/** The answer's body is under the time limit, too. */
function whole({ body }: ForwardReply): Promise<void> | undefined {
  if (!(body instanceof Readable) || body.closed) return undefined;
  return once(body, "close").then(
    () => {},
    () => {}, // who reads it is told
  );
}

function endWith({ body }: ForwardReply, signal: AbortSignal): void {
  if (!(body instanceof Readable)) return;
  const end = () => {
    if (signal.reason instanceof PolicyError) body.destroy(signal.reason);
  };
  signal.addEventListener("abort", end);
  body.once("close", () => signal.removeEventListener("abort", end));
}
