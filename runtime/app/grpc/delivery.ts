/** Input bindings over gRPC: the app lists those that it takes, and gets each message by OnBindingEvent (docs/protocol/app.md). */
import type { AppChannel } from "../../contracts/app-channel.ts";
import { DeliveryError } from "../../contracts/delivery.ts";
import type { Metadata } from "../../net/grpc/metadata.ts";
import { httpStatusOf } from "../../net/grpc/http-answer.ts";
import { GrpcError, grpcCode, nameOfCode } from "../../net/grpc/status.ts";
import {
  BindingEventResponse_BindingEventConcurrency,
  type BindingEventResponse,
} from "../../proto/gen/dapr/proto/runtime/v1/appcallback.ts";
import type { Logger } from "../../shared/log.ts";
import {
  listInputBindings,
  onBindingEvent,
  type AppMethod,
} from "./methods.ts";

/**
 * One message there, one back, once it is its turn. Rejects with a
 * {@link GrpcError} for what the app answered, with AppUnreachable where there is no answer.
 */
export type Ask = <Request, Response>(
  method: AppMethod<Request, Response>,
  request: Request,
  options?: {
    timeoutMs?: number;
    signal?: AbortSignal | undefined;
    metadata?: Metadata;
    /** A health probe: waits for no turn and carries no token. */
    probe?: boolean;
  },
) => Promise<Response>;

export interface GrpcDelivery extends Pick<
  AppChannel,
  "refusalOf" | "deliver"
> {
  /** Another app may be there next: it is asked anew for what it takes. */
  forget(): void;
}

export function createDelivery(ask: Ask, log: Logger): GrpcDelivery {
  let listed: Promise<Listed> | undefined;
  const warned = new Set<string>();

  /** Asked once for all inputs; again only if there was no answer. */
  function list(timeoutMs: number): Promise<Listed> {
    if (listed) return listed;
    const asked = ask(listInputBindings, {}, { timeoutMs })
      .then(({ bindings }): Listed => ({ bindings }))
      .catch((error: unknown): Listed => {
        if (isUnimplemented(error)) return { bindings: undefined };
        if (listed === asked) listed = undefined;
        throw error instanceof GrpcError
          ? refused(listInputBindings.name, error)
          : error;
      });
    return (listed = asked);
  }

  /** The original takes no notice of them either. */
  function warnOfStates(name: string, { states, storeName }: Answer) {
    if ((states.length === 0 && storeName === "") || warned.has(name)) return;
    warned.add(name);
    log.warn(
      `input binding ${name}: the app's answer has states for the store ${JSON.stringify(storeName)}, which are not saved: save them through the state API`,
    );
  }

  return {
    async refusalOf({ name }, timeoutMs) {
      const { bindings } = await list(timeoutMs);
      if (bindings?.includes(name)) return undefined;
      return `${
        bindings
          ? `ListInputBindings does not name it (${bindings.length === 0 ? "it names none" : `it names ${bindings.slice(0, 20).join(", ")}`})`
          : "it does not implement ListInputBindings"
      }, so nothing is delivered; let it list ${name}, or give the component the metadata direction: input or output`;
    },

    async deliver({ name }, { data, metadata }, signal) {
      const answer = await ask(
        onBindingEvent,
        { name, data, metadata: new Map(Object.entries(metadata)) },
        { signal },
      ).catch((error: unknown) => {
        throw error instanceof GrpcError
          ? refused(onBindingEvent.name, error)
          : error;
      });
      warnOfStates(name, answer);
      const { to, concurrency } = answer;
      const { PARALLEL } = BindingEventResponse_BindingEventConcurrency;
      return {
        data: answer.data,
        ...(to.length > 0 && {
          sendTo: { bindings: to, atOnce: concurrency === PARALLEL },
        }),
      };
    },

    forget() {
      listed = undefined;
    },
  };
}

type Answer = Pick<BindingEventResponse, "states" | "storeName">;

/** What the app takes; undefined if it does not say. */
interface Listed {
  bindings: string[] | undefined;
}

/** Some servers say so by HTTP's 404: the JavaScript SDK's is one. */
export const isUnimplemented = (error: unknown) =>
  error instanceof GrpcError &&
  error.origin !== "local" &&
  error.code === grpcCode.unimplemented;

/** A status of the app, or what this side would not send or take. */
export function refused(method: string, error: GrpcError): DeliveryError {
  const { code, message, origin } = error;
  return origin !== "local"
    ? new DeliveryError(
        `the app answered ${method} with ${nameOfCode(code)}: ${message.slice(0, 1024)}`,
        httpStatusOf(code),
        error,
      )
    : new DeliveryError(`${method}: ${message}`, undefined, error);
}
