/** `/dapr-kit/watch/…`: what the dashboard asks a sidecar (docs/protocol/watch.md). Who may ask: watch-guard.ts. */
import type { Readable } from "node:stream";
import type { States } from "../../blocks/state/state.ts";
import { ApiError } from "../../contracts/errors.ts";
import { encode } from "../../shared/json/go-json.ts";
import type { ApiRequest, Route } from "./request.ts";

const base = "/dapr-kit/watch/";
const usualKeys = 100;
const mostKeys = 1000;

export const isWatchPath = (path: string): boolean => path.startsWith(base);

export interface WatchFeed {
  /** A stream of server-sent events, from now on. */
  open(): Readable;
}

export const watchRoutes = (
  feed: WatchFeed,
  states: Pick<States, "of" | "has">,
): Route[] => [
  [
    "GET",
    `${base}events`,
    () => ({
      status: 200,
      contentType: "text/event-stream",
      headers: { "cache-control": "no-store" },
      body: feed.open(),
    }),
  ],
  [
    "GET",
    `${base}stores/:store/keys`,
    async (request) => {
      const name = request.params["store"]!;
      if (!states.has(name)) throw new ApiError("watchNoStore", [name]);
      const { after, limit } = pageOf(request);
      const page = await states.of(name).keys(after, limit, request);
      return { status: 200, body: encode(page) + "\n" };
    },
  ],
];

function pageOf({ query }: ApiRequest) {
  const given = new URLSearchParams(query);
  const limit = given.get("limit") ?? `${usualKeys}`;
  if (!/^\d{1,4}$/.test(limit) || +limit < 1 || +limit > mostKeys)
    throw new ApiError("malformedRequest", [
      `limit is a number from 1 to ${mostKeys}`,
    ]);
  return { after: given.get("after") || undefined, limit: Number(limit) };
}
