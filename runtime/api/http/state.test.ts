/** What the state routes say of a body that they can't read. */
import { createStates } from "../../blocks/state/state.ts";
import { ApiError } from "../../contracts/errors.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Logger } from "../../shared/log.ts";
import type { StateStore } from "../../contracts/state-store.ts";
import type { ApiRequest } from "./request.ts";
import { stateRoutes } from "./state.ts";

const store = {
  features: ["QUERY_API"],
  query: async () => ({ results: [] }),
} as unknown as StateStore;
const states = createStates({
  appId: "app",
  namespace: "",
  log: {} as Logger,
});
states.add("queried", store, [], messageOf);

const [, , query] = stateRoutes(states).find(([, path]) =>
  path.endsWith("/query"),
)!;

test.each(["{bad", "", `{"a":"${"x".repeat(128 * 1024)}"}`])(
  "an unreadable query (%#) fails with the documented details",
  async (body) => {
    const request = {
      params: { store: "queried" },
      query: "",
      body: async () => Buffer.from(body),
    } as unknown as ApiRequest;
    const failure = await Promise.resolve(query(request)).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ApiError);
    expect(failure).toMatchObject({
      status: 500,
      code: "ERR_STATE_QUERY",
      message: expect.stringMatching(
        /^state store queried query failed: failed to parse JSON query body: /,
      ),
      details: [
        { resource_type: "state", resource_name: "queried" },
        { reason: "DAPR_STATE_QUERY_FAILED", domain: "dapr.io" },
      ],
    });
  },
);
