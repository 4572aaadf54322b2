import { encodeMessage, type Codec } from "./codec.ts";
import {
  BadRequest,
  ErrorInfo,
  RetryInfo,
} from "./gen/google/rpc/error_details.ts";
import { Status } from "./gen/google/rpc/status.ts";
import { statusJson } from "./status-json.ts";

const prefix = "type.googleapis.com/google.rpc.";
const detail = <M>(name: string, codec: Codec<M>, message: M) => ({
  typeUrl: prefix + name,
  value: encodeMessage(codec, message),
});
const shown = (status?: Uint8Array) =>
  JSON.parse(statusJson(5, "m", status).toString()) as Record<string, unknown>;
const read = (...details: Status["details"]) =>
  shown(encodeMessage(Status, { code: 5, message: "m", details }))["details"];

test("details have the names of JSON, and no empty fields", () => {
  const metadata = new Map([["__proto__", "x"]]);
  expect(
    read(
      detail("ErrorInfo", ErrorInfo, { reason: "R", domain: "", metadata }),
      detail("BadRequest", BadRequest, {
        fieldViolations: [{ field: "f", description: "" }],
      }),
    ),
  ).toEqual([
    {
      "@type": `${prefix}ErrorInfo`,
      reason: "R",
      metadata: Object.fromEntries(metadata),
    },
    { "@type": `${prefix}BadRequest`, fieldViolations: [{ field: "f" }] },
  ]);
});

test.each([
  [1n, 0, "1s"],
  [0n, 500_000_000, "0.500s"],
  [-1n, -1_000, "-1.000001s"],
  [0n, -1, "-0.000000001s"],
])("%s s and %i ns are %s", (seconds, nanos, text) => {
  const retryDelay = { seconds, nanos };
  expect(read(detail("RetryInfo", RetryInfo, { retryDelay }))).toEqual([
    { "@type": `${prefix}RetryInfo`, retryDelay: text },
  ]);
});

test("what can't be read is told by its bytes", () => {
  const value = Buffer.from([0xff]);
  for (const typeUrl of ["example.com/a.B", `${prefix}ErrorInfo`, ""])
    expect(read({ typeUrl, value })).toEqual([
      { "@type": typeUrl, value: "/w==" },
    ]);
  for (const none of [value, undefined])
    expect(shown(none)).toEqual({ code: 5, message: "m" });
});
