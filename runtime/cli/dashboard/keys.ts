/** The keys of a state store, as the sidecar lists them. */
import { wholeBody } from "../../shared/whole-body.ts";
import { send } from "../instances/sidecar-http.ts";
import { tokenHeader, watchPath } from "./sidecar-events.ts";
import type { Sidecar } from "./sidecar.ts";

const maxBytes = 1024 * 1024;

/** The sidecar's answer as it is: `{ keys, next }`, or an error. */
export async function readKeys(
  { watchToken, reach, app }: Sidecar,
  store: string,
  after: string,
  signal: AbortSignal,
): Promise<{ status: number; json: string }> {
  if (!watchToken)
    return {
      status: 409,
      json: JSON.stringify({
        error: `This sidecar lists no keys. ${app.note ?? ""}`.trimEnd(),
      }),
    };
  const query = after ? `?after=${encodeURIComponent(after)}` : "";
  const response = await send(await reach(), {
    method: "GET",
    path: `${watchPath}/stores/${encodeURIComponent(store)}/keys${query}`,
    headers: { [tokenHeader]: watchToken },
    signal,
  });
  const body = await wholeBody(
    response,
    maxBytes,
    () => new Error(`its answer is larger than ${maxBytes} bytes`),
  );
  const status = response.statusCode!;
  const text = body.toString("utf8");
  const isJson = /^application\/json\b/.test(
    response.headers["content-type"] ?? "",
  );
  // Who may not ask is told so in plain text.
  return { status, json: isJson ? text : JSON.stringify({ error: text }) };
}
