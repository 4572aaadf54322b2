/** `GET /v1.0/secrets/{store}/{key}` and `…/bulk` (docs/protocol/secrets.md). */
import type { Secrets } from "../../blocks/secrets/secrets.ts";
import { encode } from "../../shared/json/go-json.ts";
import { queryMetadata } from "./query-metadata.ts";
import type { ApiReply, Route } from "./request.ts";

export function secretRoutes(secrets: Pick<Secrets, "get" | "bulk">): Route[] {
  const json = (value: unknown): ApiReply =>
    value === undefined
      ? { status: 204 }
      : { status: 200, body: encode(value) + "\n" };
  return [
    [
      "GET",
      "/v1.0/secrets/:store/bulk",
      async (request) => {
        const metadata = queryMetadata(request.query);
        const { store } = request.params;
        return json(await secrets.bulk(store!, metadata, request));
      },
    ],
    [
      "GET",
      "/v1.0/secrets/:store/:key",
      async (request) => {
        const metadata = queryMetadata(request.query);
        const { store, key } = request.params;
        return json(await secrets.get(store!, key!, metadata, request));
      },
    ],
  ];
}
