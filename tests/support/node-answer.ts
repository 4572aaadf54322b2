/** Reads the bytes of an answer with Node's own client, which is strict by default. */
import { Agent, request, type ClientRequest } from "node:http";
import { Duplex } from "node:stream";
import type { WrittenAnswer } from "./http-answers.ts";

export interface ReadAnswer {
  /** Undefined if no head was read. */
  status?: number;
  /** Names and values, alternating. */
  headers?: string[];
  body: string;
  /** Whether Node takes the answer for complete. */
  isWhole: boolean;
  /** Whether Node would use the connection for another request. */
  isKept: boolean;
  error?: Error;
}

/** A connection that accepts what is written and delivers what is pushed. */
class Wire extends Duplex {
  isKept = false;
  override _read() {}
  override _write(_: unknown, __: unknown, done: () => void) {
    done();
  }
  setKeepAlive() {}
  setNoDelay() {}
  setTimeout() {}
  ref() {}
  unref() {}
}

/** An agent that takes the connection from the request's own options. */
class OneWire extends Agent {
  override createConnection(options: object): Duplex {
    return (options as { wire: Wire }).wire;
  }
  override keepSocketAlive(socket: Duplex) {
    (socket as Wire).isKept = true;
    return false; // each answer has a connection of its own
  }
}
const agent = new OneWire({ keepAlive: true });

/** Reads an answer as Node does. */
export async function readAsNode({
  method,
  pieces,
  closes,
}: WrittenAnswer): Promise<ReadAnswer> {
  const read: ReadAnswer = { body: "", isWhole: false, isKept: false };
  const wire = new Wire();
  const options = {
    wire,
    agent,
    method,
    path: "/",
    host: "app",
    maxHeaderSize: 128 * 1024,
    insecureHTTPParser: false,
  };
  const call: ClientRequest = request(options);
  call.on("error", (error) => (read.error ??= error));
  call.on("upgrade", () => (read.error ??= new Error("it was an upgrade")));
  call.on("response", (answer) => {
    read.status = answer.statusCode!;
    read.headers = answer.rawHeaders;
    answer.on(
      "data",
      (bytes: Buffer) => (read.body += bytes.toString("latin1")),
    );
    answer.on("error", (error) => (read.error ??= error));
    answer.on("end", () => (read.isWhole = answer.complete));
  });
  call.end();
  await turn();
  for (const piece of pieces) wire.push(Buffer.from(piece));
  if (closes) wire.push(null);
  await turn();
  await turn();
  call.destroy();
  wire.destroy();
  read.isKept = wire.isKept;
  return read;
}

const turn = () => new Promise<void>((done) => setImmediate(done));
