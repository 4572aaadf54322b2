/** What is told of calls of the app while somebody watches. Events of topics are told by their block, as streams take them too. */
import { Readable } from "node:stream";
import type { AppInput } from "../../contracts/app-channel.ts";
import type { Message } from "../../contracts/delivery.ts";
import type {
  ForwardReply,
  ForwardRequest,
  RawHeaders,
} from "../../contracts/invocation.ts";
import type {
  ProxiedCall,
  ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import type { Watch } from "../../contracts/watch.ts";
import {
  laterPreview,
  WatchedDelivery,
  type Preview,
} from "../../contracts/watched-delivery.ts";
import { hiddenBody, lookAt } from "../../shared/body-preview.ts";
import { fromHeaderValue } from "../../shared/header-text.ts";
import { mayBeSecretsPath } from "../../shared/secret-path.ts";
import { passedThrough } from "./proxied-calls.ts";

export function watchInput(
  watch: Watch,
  { name, route }: AppInput,
  { data, metadata }: Message,
): WatchedDelivery {
  return new WatchedDelivery(
    watch,
    { from: "bindings", source: name, path: `/${route}` },
    laterPreview(data, metadata["content-type"] ?? ""),
  );
}

/** Returns what is to be told the answer, or that there is none. */
export function watchInvoke(
  watch: Watch,
  { path, headers, body }: ForwardRequest,
) {
  // An app may be a sidecar, whose secrets API is called.
  const shown = mayBeSecretsPath(path) ? hiddenOf : bodyOf;
  const asked = shown(body, headers);
  const delivery = new WatchedDelivery(
    watch,
    { from: "invoke", source: callerOf(headers), path },
    asked,
  );
  return {
    answered({ status, headers, body, grpc }: ForwardReply) {
      const answered = shown(body, headers);
      const isGood = status < 400 && (grpc?.code ?? 0) === 0;
      const end = () =>
        delivery.end(isGood ? "success" : "error", status, answered);
      if (body instanceof Readable && !body.destroyed) body.once("close", end);
      else end();
    },
    failed: () => delivery.end("error"),
  };
}

/** A call of the app's own gRPC service: its messages are not read. Returns the call to pass on, and what is to be told its end. */
export function watchProxied(
  watch: Watch,
  call: ProxiedCall,
  metadata: ProxiedMetadata,
) {
  const sizes = { request: 0, response: 0 };
  let code: number | undefined;
  const hidden = (bytes: number) =>
    hiddenBody(bytes, "application/grpc", "it is passed on unread");
  const delivery = new WatchedDelivery(
    watch,
    {
      from: "invoke",
      source: callerIn(metadata["dapr-caller-app-id"]),
      path: call.path,
    },
    () => hidden(sizes.request),
  );
  const passed: ProxiedCall = {
    ...passedThrough(call),
    readBytes: (onBytes, onEnd) =>
      call.readBytes((bytes) => {
        sizes.request += bytes.length;
        onBytes(bytes);
      }, onEnd),
    writeBytes(bytes, done) {
      sizes.response += bytes.length;
      return call.writeBytes(bytes, done);
    },
    endWith(trailers) {
      code = Number(trailers["grpc-status"]);
      call.endWith(trailers);
    },
  };
  return {
    call: passed,
    over: () =>
      delivery.end(code === 0 ? "success" : "error", undefined, () =>
        hidden(sizes.response),
      ),
  };
}

/** What of a body there is to show, asked once all of it has passed. */
function bodyOf(
  body: Uint8Array | Readable | undefined,
  headers: RawHeaders,
): Preview {
  const contentType = valueOf(headers, "content-type") ?? "";
  if (body instanceof Readable) {
    const passing = lookAt(body);
    return () => passing.preview(contentType);
  }
  return body && body.length > 0
    ? laterPreview(body, contentType)
    : () => undefined;
}

const hiddenOf = (...given: Parameters<typeof bodyOf>): Preview => {
  const preview = bodyOf(...given);
  return () => {
    const body = preview();
    return (
      body && hiddenBody(body.bytes, body.contentType, "it may hold a secret")
    );
  };
};

const callerOf = (headers: RawHeaders) =>
  callerIn(valueOf(headers, "dapr-caller-app-id"));

function callerIn(value: string | string[] | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? undefined : fromHeaderValue(first);
}

function valueOf(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === name) return headers[i + 1];
  return undefined;
}
