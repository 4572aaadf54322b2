/** GetSecret and GetBulkSecret (docs/protocol/secrets.md). */
import type { Secrets } from "../../blocks/secrets/secrets.ts";
import {
  GetBulkSecretRequest,
  GetBulkSecretResponse,
  GetSecretRequest,
  GetSecretResponse,
} from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { toMap, toRecord } from "./maps.ts";
import { unary, type Methods } from "./method.ts";

export const secretMethods = (
  secrets: Pick<Secrets, "get" | "bulk">,
): Methods => ({
  GetSecret: unary(
    GetSecretRequest,
    GetSecretResponse,
    async ({ storeName, key, metadata }, call) => ({
      data: toMap(await secrets.get(storeName, key, toRecord(metadata), call)),
    }),
  ),

  GetBulkSecret: unary(
    GetBulkSecretRequest,
    GetBulkSecretResponse,
    async ({ storeName, metadata }, call) => {
      const all =
        (await secrets.bulk(storeName, toRecord(metadata), call)) ?? {};
      return {
        data: new Map(
          Object.entries(all).map(([name, secret]) => [
            name,
            { secrets: toMap(secret) },
          ]),
        ),
      };
    },
  ),
});
