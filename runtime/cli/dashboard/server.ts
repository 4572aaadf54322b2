/** The dashboard's HTTP server. */
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../shared/message-of.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import { callSidecar, wrongCall } from "./call.ts";
import { EventStream } from "./event-stream.ts";
import { refusalOf } from "./guard.ts";
import { readKeys } from "./keys.ts";
import type { LiveView } from "./live-view.ts";
import type { CallRequest, Refused } from "./messages.ts";
import { pageHeaders, readPage } from "./page-files.ts";
import type { Sidecar } from "./sidecar.ts";

/** A browser has six connections to one address. Each page keeps one open, and needs others for its calls. */
const maxPages = 4;
const maxLogs = 8;
const maxConnections = 64;
const maxBodyBytes = 1024 * 1024;

/** Told to the asker as it is. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Dashboard {
  port: number;
  close(): Promise<void>;
}

/** Rejects if it can't listen there. */
export async function openDashboard(
  view: LiveView,
  host: string,
  port: number,
): Promise<Dashboard> {
  const page = readPage();
  let logs = 0;

  const routes: Record<
    string,
    (request: Asked, response: ServerResponse) => void | Promise<void>
  > = {
    "GET /api/events": (_, response) => {
      if (view.pages >= maxPages)
        throw new HttpError(
          503,
          `${maxPages} pages of this dashboard are open already. Close one of them, then load this one again.`,
        );
      view.add(new EventStream(response));
    },
    "GET /api/logs": async ({ query }, response) => {
      const sidecar = await findSidecar(query);
      if (logs >= maxLogs)
        throw new HttpError(503, "Too many pages show logs. Close one.");
      logs++;
      response.on("close", () => logs--);
      sidecar.sendLogs(new EventStream(response));
    },
    "GET /api/keys": async ({ query, gone }, response) => {
      const sidecar = await findSidecar(query);
      const [store, after] = [query.get("store"), query.get("after")];
      if (!store) throw new HttpError(400, "Name the state store: `store=`.");
      const { status, json } = await answerOf(
        readKeys(sidecar, store, after ?? "", gone),
      );
      sendJson(response, status, json);
    },
    "POST /api/call": async ({ request, gone }, response) => {
      const call = await readJson(request);
      const wrong = wrongCall(call);
      if (wrong) throw new HttpError(400, wrong);
      const { appId, sidecar } = call as CallRequest;
      const found = await find(appId, sidecar);
      const answer = await answerOf(
        callSidecar(found, call as CallRequest, gone),
      );
      sendJson(response, 200, JSON.stringify(answer));
    },
  };

  const findSidecar = (query: URLSearchParams): Promise<Sidecar> =>
    find(query.get("app") ?? "", query.get("sidecar") ?? undefined);

  async function find(appId: string, sidecar?: string): Promise<Sidecar> {
    const found = await view.find(appId, sidecar);
    if (found) return found;
    throw new HttpError(
      404,
      `No such sidecar runs: app ID ${JSON.stringify(appId)}${sidecar === undefined ? "" : `, sidecar ${JSON.stringify(sidecar)}`}.`,
    );
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method = "", url = "", headers } = request;
    const parsed = URL.parse(url, "http://localhost");
    const path = parsed?.pathname ?? "";
    const refusal = refusalOf(method, path, headers);
    if (refusal) throw new HttpError(refusal.status, refusal.why);
    const file = method === "GET" ? page.get(path) : undefined;
    if (file) {
      if (path === "/") view.prepare();
      response.setHeader("content-type", file.type);
      response.end(file.bytes);
      return;
    }
    const route = routes[`${method} ${path}`];
    if (!parsed || !route)
      throw new HttpError(404, `There is no ${method} of this path.`);
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    await route(
      { request, query: parsed.searchParams, gone: gone.signal },
      response,
    );
  }

  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(pageHeaders))
      response.setHeader(name, value);
    try {
      await answer(request, response);
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      const { status, message } =
        error instanceof HttpError
          ? error
          : { status: 500, message: messageOf(error) };
      // What was not read of the body is not to be taken for a next request.
      response.setHeader("connection", "close");
      sendJson(response, status, JSON.stringify({ error: message } as Refused));
    }
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Asked {
  request: IncomingMessage;
  query: URLSearchParams;
  /** Aborted when whoever asked has gone. */
  gone: AbortSignal;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const body = await wholeBody(
    request,
    maxBodyBytes,
    () => new HttpError(413, `The body has more than ${maxBodyBytes} bytes.`),
    { rest: "dropped" },
  );
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new HttpError(400, `The body is no JSON: ${messageOf(error)}`);
  }
}

/** A sidecar that does not answer is not an error of ours. */
const answerOf = <T>(answer: Promise<T>): Promise<T> =>
  answer.catch((error: unknown) => {
    throw new HttpError(
      502,
      `The sidecar does not answer: ${messageOf(error)}`,
    );
  });

function sendJson(response: ServerResponse, status: number, json: string) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(json);
}
