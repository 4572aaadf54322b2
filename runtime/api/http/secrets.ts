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
      async ({ params, query }) =>
        json(await secrets.bulk(params["store"]!, queryMetadata(query))),
    ],
    [
      "GET",
      "/v1.0/secrets/:store/:key",
      async ({ params, query }) =>
        json(
          await secrets.get(
            params["store"]!,
            params["key"]!,
            queryMetadata(query),
          ),
        ),
    ],
  ];
}
