/** A user's app that records its requests and answers as the test says. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Recorded {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Names and values in turn; Node's `headers` have no `__proto__`. */
  rawHeaders: string[];
  body: string;
  /** Set once its caller has left without an answer. */
  isCut?: true;
}

export interface Answer {
  status: number;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
}

export interface RecordingApp {
  port: number;
  requests: Recorded[];
  /** The recorded POSTs: deliveries are POSTs. */
  posts(): Recorded[];
  close(): Promise<void>;
}

const apps = new Set<RecordingApp>();

/** For afterEach: closes every app that a test left. */
export async function closeApps(): Promise<void> {
  await Promise.all([...apps].map((app) => app.close()));
}

/** Starts an app on loopback. `port` 0 picks a free one. */
export async function startApp(
  answer: (request: Recorded) => Answer | Promise<Answer> = () => ({
    status: 200,
  }),
  port = 0,
): Promise<RecordingApp> {
  const requests: Recorded[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      return; // its caller left, so the request is not complete
    }
    const recorded: Recorded = {
      method: incoming.method!,
      path: incoming.url!,
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    requests.push(recorded);
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) recorded.isCut = true;
    });
    const { status, body, headers } = await answer(recorded);
    outgoing.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const app: RecordingApp = {
    port: (server.address() as AddressInfo).port,
    requests,
    posts: () => requests.filter(({ method }) => method === "POST"),
    close() {
      apps.delete(app);
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
  apps.add(app);
  return app;
}
