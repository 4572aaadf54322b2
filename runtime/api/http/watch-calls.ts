/** What is told of a request and its answer while somebody watches. */
import { Readable } from "node:stream";
import type { Unnumbered, Watch } from "../../contracts/watch.ts";
import {
  copyOf,
  hiddenBody,
  lookAt,
  type PassingBody,
} from "../../shared/body-preview.ts";
import {
  hasPassword,
  shortened,
  shownTarget,
  shownUrl,
} from "../../shared/shown-url.ts";
import { mayBeSecretsPath } from "../../shared/secret-path.ts";
import type { Body, CallEvent } from "../../shared/watch-event.ts";
import { findTarget } from "./invoke.ts";
import { header, type ApiReply, type ApiRequest } from "./request.ts";
import { unescapeParam } from "./router.ts";
import { isWatchPath } from "./watch.ts";

export interface WatchedCall {
  /** Before the answer is sent. */
  answered(reply: ApiReply): void;
  /** `bytes`: of the answer's body. */
  sent(bytes: number): void;
}

/** Called with each request that is let in; undefined if nobody looks at it. */
export type WatchCall = (
  request: ApiRequest,
  incoming: Readable,
) => WatchedCall | undefined;

export const createWatchCall =
  (watch: Watch): WatchCall =>
  (request, incoming) =>
    watch.isOn && !isWatchPath(request.path)
      ? new Watched(watch, request, incoming)
      : undefined;

class Watched implements WatchedCall {
  readonly #watch: Watch;
  readonly #request: ApiRequest;
  readonly #asked: PassingBody;
  readonly #at = Date.now();
  readonly #started = performance.now();
  #status = 500;
  #type = "";
  #answered: PassingBody | undefined;

  constructor(watch: Watch, request: ApiRequest, incoming: Readable) {
    this.#watch = watch;
    this.#request = request;
    this.#asked = lookAt(incoming);
  }

  answered(reply: ApiReply): void {
    const { body, status } = reply;
    this.#status = status;
    this.#type = typeOf(reply);
    if (body instanceof Readable) this.#answered = lookAt(body);
    // Its bytes may be freed once they are sent.
    else if (body !== undefined) this.#answered = copyOf(body);
  }

  sent(bytes: number): void {
    const ms = performance.now() - this.#started;
    this.#watch.tell(() => this.#event(ms, bytes));
  }

  #event(ms: number, bytes: number): Unnumbered<CallEvent> {
    const request = this.#request;
    const status = this.#status;
    const subject = subjectOf(request);
    const { hidden, path = request.path, ...about } = subject;
    return {
      type: "call",
      at: this.#at,
      ms,
      door: "http",
      method: request.method,
      ...about,
      path: shownUrl(path, request.query),
      status,
      isError: status >= 400,
      request: hidden ? undefined : this.#shownRequest(),
      response: hidden
        ? hiddenBody(bytes, this.#type, hidden)
        : bytes > 0
          ? this.#answered?.preview(this.#type)
          : undefined,
    };
  }

  #shownRequest(): Body | undefined {
    if (this.#asked.bytes === 0) return undefined;
    return this.#asked.preview(header(this.#request, "content-type") ?? "");
  }
}

function typeOf({ rawHeaders, contentType }: ApiReply): string {
  if (!rawHeaders) return contentType ?? "application/json";
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() === "content-type")
      return rawHeaders[i + 1]!;
  return "";
}

type Subject = Pick<
  Unnumbered<CallEvent>,
  "block" | "target" | "topic" | "key"
> & {
  /** Instead of the request's. */
  path?: string;
  /** Why the bodies are not shown. */
  hidden?: string;
};

/** By the part of a route's pattern behind its version. */
const blocks: Record<string, CallEvent["block"]> = {
  state: "state",
  bindings: "bindings",
  publish: "pubsub",
  secrets: "secrets",
  metadata: "metadata",
  healthz: "metadata",
  shutdown: "metadata",
};

function subjectOf(request: ApiRequest): Subject {
  const { route, params } = request;
  if (route === undefined) return invoked(request);
  const { store, name, pubsub, topic, key } = params;
  const block = blocks[route.split("/")[2] ?? ""] ?? "other";
  return {
    block,
    ...(block === "secrets" && { hidden: "it may hold a secret" }),
    target: shown(store ?? name ?? pubsub),
    topic: shown(topic === undefined ? undefined : unescaped(topic)),
    key: shown(key),
  };
}

const shown = (text: string | undefined) => text && shortened(text);

/** A topic stays as it came until its handler reads it, which may have refused it. */
function unescaped(topic: string): string {
  try {
    return unescapeParam("topic", topic);
  } catch {
    return topic;
  }
}

function invoked(request: ApiRequest): Subject {
  let found;
  try {
    found = findTarget(request);
  } catch {
    // Its answer says what is wrong with it.
    return { block: "invoke" };
  }
  if (!found) return { block: "other" };
  const target = shownTarget(found.id);
  const isInPath = found.path !== request.path;
  if (hasPassword(found.id))
    return {
      block: "invoke",
      target,
      ...(isInPath && { path: `/v1.0/invoke/${target}/method${found.path}` }),
      hidden: "it may name the password of the URL",
    };
  const hidden = mayBeSecretsPath(found.path) && "it may hold a secret";
  return { block: "invoke", target, ...(hidden && { hidden }) };
}
