import { ApiError } from "../../contracts/errors.ts";
import type { ForwardReply } from "../../contracts/invocation.ts";
import { createInvoke } from "./invoke.ts";
import type { ApiRequest } from "./request.ts";

/** What the call was for, and its answer. */
async function invoke(
  path: string,
  headers: ApiRequest["headers"] = {},
  answer: Partial<ForwardReply> = {},
) {
  let id: string | undefined;
  const handle = createInvoke(
    {
      invoke: async (target) => {
        id = target;
        return { status: 200, headers: [], body: Buffer.alloc(0), ...answer };
      },
    },
    () => "",
  );
  const reply = await handle({
    method: "GET",
    path,
    query: "",
    headers,
    rawHeaders: [],
    passedBody: () => undefined,
    signal: () => new AbortController().signal,
  } as unknown as ApiRequest);
  return { id, reply };
}

test("the id in a header is UTF-8, as Node shows its bytes", async () => {
  const { id } = await invoke("/a", { "dapr-app-id": "Ã¼" });
  expect(id).toBe("ü");
});

test("an error without a type is JSON, with an empty body too", async () => {
  const { reply } = await invoke(
    "/v1.0/invoke/a/method/b",
    {},
    { status: 404 },
  );
  expect(reply.rawHeaders).toEqual(["content-type", "application/json"]);
});

test.each([
  ["/v1.0/invoke/ax/method/a%zzb", "method", "%zz"],
  ["/v1.0/invoke/a%zx/method/b", "id", "%zx"],
])("the bad escape of %s is refused", async (path, name, escape) => {
  await expect(invoke(path)).rejects.toThrow(
    new ApiError("badEscape", [name, `invalid URL escape "${escape}"`]),
  );
});
