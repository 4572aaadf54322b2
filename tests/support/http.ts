/** Sends requests exactly as given: paths are not normalised, and only the headers that HTTP needs are added. */
import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";

export interface CallOptions {
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
  agent?: Agent;
  host?: string;
  timeoutMs?: number;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Parses the body. Throws if it is not JSON. */
  json(): unknown;
}

/** Sends one request, on a connection of its own unless an agent is given. */
export function call(
  port: number,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Reply> {
  const { headers = {}, body, agent, host = "127.0.0.1" } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host, port, method, path, headers, agent: agent ?? false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: incoming.statusCode!,
            headers: incoming.headers,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      },
    );
    outgoing.setTimeout(options.timeoutMs ?? 60_000, () =>
      outgoing.destroy(new Error(`no answer to ${method} ${path}`)),
    );
    outgoing.on("error", reject);
    if (body !== undefined && headers["transfer-encoding"] === undefined)
      outgoing.setHeader("content-length", Buffer.byteLength(body));
    outgoing.end(body);
  });
}

export interface RawReply {
  /** The status of the first answer; 0 if the connection ended without one. */
  status: number;
  head: string;
  body: string;
  /** All bytes received, as Latin-1 text. */
  all: string;
}

/** Sends bytes unchanged and reads until the other side closes. Rejects if it does not close within `timeoutMs`. */
export function rawCall(
  port: number,
  bytes: string | Uint8Array,
  timeoutMs = 60_000,
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let all = "";
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(
          `the connection stayed open for ${timeoutMs} ms after ${JSON.stringify(String(bytes).slice(0, 200))}; received ${JSON.stringify(all.slice(0, 200))}`,
        ),
      );
    }, timeoutMs);
    socket.setEncoding("latin1").on("data", (text: string) => (all += text));
    socket.on("error", () => {}); // a reset counts as closed, and what has arrived counts
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(parse(all));
    });
    socket.write(
      typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes,
    );
  });
}

function parse(all: string): RawReply {
  const end = all.indexOf("\r\n\r\n");
  const head = end < 0 ? all : all.slice(0, end);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    head,
    body: end < 0 ? "" : all.slice(end + 4),
    all,
  };
}

/** Opens a connection that sends `bytes` and stays open. */
export function openConnection(port: number, bytes = ""): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      if (bytes) socket.write(bytes);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}
