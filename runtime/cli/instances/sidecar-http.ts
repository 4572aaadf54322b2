/** The CLI's few calls to a sidecar's HTTP API, over TCP or a Unix socket. */
import { constants } from "node:buffer";
import { request, type IncomingMessage } from "node:http";
import { wholeBody } from "../../shared/whole-body.ts";
import { libraryMs } from "../../shared/timers.ts";

export interface SidecarAddress {
  httpPort: number;
  /** Path of the HTTP socket, when the sidecar listens on sockets. */
  socketPath?: string | undefined;
  /** What it wants of callers, empty if nothing. Absent: what the environment of this command has. */
  apiToken?: string;
}

/** The sidecar has answered, but not as it should. */
export class StatusError extends Error {
  override name = "StatusError";
}

export async function getMetadata(
  address: SidecarAddress,
): Promise<Record<string, unknown>> {
  const { status, body } = await call(address, "GET", "/v1.0/metadata");
  if (status !== 200)
    throw new StatusError(`HTTP ${status} on GET /v1.0/metadata`);
  const metadata: unknown = JSON.parse(body);
  if (typeof metadata !== "object" || metadata === null)
    throw new Error("GET /v1.0/metadata answered no object");
  return metadata as Record<string, unknown>;
}

export async function putMetadata(
  address: SidecarAddress,
  key: string,
  value: string,
): Promise<void> {
  const path = `/v1.0/metadata/${key}`;
  const { status } = await call(address, "PUT", path, value);
  if (status !== 204 && status !== 200)
    throw new StatusError(`HTTP ${status} on PUT ${path}`);
}

export async function postShutdown(address: SidecarAddress): Promise<void> {
  const { status } = await call(address, "POST", "/v1.0/shutdown");
  if (status !== 204)
    throw new StatusError(`HTTP ${status} on POST /v1.0/shutdown`);
}

export interface MethodCall {
  /** The method's path, with a query if it has one. */
  method: string;
  verb: string;
  body: Buffer;
}

/** Has the sidecar call its app. There is no time limit for the app. */
export function invokeMethod(
  address: SidecarAddress,
  appId: string,
  { method, verb, body }: MethodCall,
): Promise<Answer> {
  // It was typed by hand: characters that a URL cannot hold are escaped, existing escapes stay.
  const path = `/v1.0/invoke/${encodeURIComponent(appId)}/method/${method.replace(/[^!-~]+/g, encodeURIComponent)}`;
  return call(address, verb, path, body, "application/json", 0);
}

export interface EventToPublish {
  pubsub: string;
  topic: string;
  metadata: Record<string, string>;
  body: Buffer;
  contentType: string;
}

/** There is no time limit for the broker. */
export const publishEvent = (
  address: SidecarAddress,
  event: EventToPublish,
): Promise<Answer> =>
  call(address, "POST", publishPath(event), event.body, event.contentType, 0);

export const publishUrl = (
  { httpPort, socketPath }: SidecarAddress,
  event: EventToPublish,
): string =>
  `${socketPath ? "http://unix" : `http://localhost:${httpPort}`}${publishPath(event)}`;

function publishPath({ pubsub, topic, metadata }: EventToPublish): string {
  const query = Object.entries(metadata).map(
    ([name, value]) =>
      `metadata.${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  const path = [pubsub, ...topic.split("/")].map(encodeURIComponent).join("/");
  return `/v1.0/publish/${path}${query.length > 0 ? `?${query.join("&")}` : ""}`;
}

export interface Answer {
  status: number;
  /** As in `404 Not Found`. */
  reason: string;
  body: string;
}

/** An app's answer may be as long as a text of Node. The sidecar's own are short, but the port may be another program's. */
const maxBytesOf = {
  app: constants.MAX_STRING_LENGTH,
  sidecar: 16 * 1024 * 1024,
};

export interface SidecarRequest {
  method: string;
  /** With its query, as it goes on the wire. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Ends the request, and its answer too. */
  signal?: AbortSignal;
}

/** Sends a request, with the API token if there is one. Resolves with the answer's head; its body is to be read or destroyed. */
export function send(
  { httpPort, socketPath, apiToken }: SidecarAddress,
  { method, path, headers, body = "", signal }: SidecarRequest,
): Promise<IncomingMessage> {
  const token = apiToken ?? process.env["DAPR_API_TOKEN"];
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...(socketPath
          ? { socketPath }
          : { host: "127.0.0.1", port: httpPort }),
        method,
        path,
        agent: false,
        ...(signal ? { signal } : {}),
        headers: {
          "content-length": Buffer.byteLength(body),
          ...(token ? { "dapr-api-token": token } : {}),
          ...headers,
        },
      },
      resolve,
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

async function call(
  address: SidecarAddress,
  method: string,
  path: string,
  body: string | Buffer = "",
  contentType = "text/plain",
  timeoutMs = 2000,
): Promise<Answer> {
  const maxBytes = maxBytesOf[timeoutMs > 0 ? "sidecar" : "app"];
  const tooLarge = () =>
    new Error(`its answer is larger than ${maxBytes} bytes`);
  try {
    const response = await send(address, {
      method,
      path,
      body,
      headers: { "content-type": contentType },
      // The limit is for all of it: another program on that port may send a byte a second.
      ...(timeoutMs > 0
        ? { signal: AbortSignal.timeout(libraryMs(timeoutMs)) }
        : {}),
    });
    const { statusCode: status = 0, statusMessage: reason = "" } = response;
    const whole = await wholeBody(response, maxBytes, tooLarge);
    return { status, reason, body: whole.toString("utf8") };
  } catch (error) {
    throw (error as Error).name === "AbortError"
      ? new Error(`no answer within ${timeoutMs} ms`)
      : error;
  }
}
