/** Asks the dashboard's server. */
import type {
  App,
  CallAnswer,
  CallRequest,
  KeysAnswer,
  Refused,
} from "../messages.ts";

/** Rejects with what is to be told. */
export async function callApi(
  { appId, sidecar }: App,
  request: Omit<CallRequest, "appId" | "sidecar">,
): Promise<CallAnswer> {
  const call: CallRequest = { appId, sidecar, ...request };
  return read<CallAnswer>(
    fetch("/api/call", {
      method: "POST",
      headers: { "content-type": "application/json", "x-dapr-dashboard": "1" },
      body: JSON.stringify(call),
    }),
  );
}

/** Rejects with what is to be told. */
export const readKeys = (
  app: App,
  store: string,
  after: string,
): Promise<KeysAnswer> =>
  read<KeysAnswer>(
    fetch(
      `/api/keys?${new URLSearchParams({ ...ofApp(app), store, after }).toString()}`,
    ),
  );

export const logsPath = (app: App): string =>
  `/api/logs?${new URLSearchParams(ofApp(app)).toString()}`;

const ofApp = ({ appId, sidecar }: App) => ({
  app: appId,
  sidecar,
});

async function read<T>(answer: Promise<Response>): Promise<T> {
  let response;
  let body;
  try {
    response = await answer;
    body = (await response.json()) as T &
      Partial<Refused & { message: string }>;
  } catch {
    throw new Error("The dashboard does not answer.");
  }
  if (response.ok) return body;
  // The sidecar's own errors have a message.
  throw new Error(
    body.error ?? body.message ?? `It answers ${response.status}.`,
  );
}
