/** A service of @grpc/grpc-js with all four kinds of calls. Its messages are bytes. */
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";

const bytes = (value: Buffer) => value;
const method = (
  name: string,
  requestStream: boolean,
  responseStream: boolean,
) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
export const echoMethods = {
  unary: method("Unary", false, false),
  collect: method("Collect", true, false),
  repeat: method("Repeat", false, true),
  chat: method("Chat", true, true),
  fail: method("Fail", false, false),
  hang: method("Hang", true, true),
};

export interface EchoService {
  port: number;
  /** The metadata of each call. */
  seen: Metadata[];
  /** The number of calls whose caller left. */
  cancelled(): number;
  /** The number of messages that all calls of `Repeat` have written. */
  repeated(): number;
  /** The deadlines of the calls, in ms from their start. */
  deadlines: number[];
  /** All connections break. */
  kill(): void;
  close(): Promise<void>;
}

type Call = { metadata: Metadata; getDeadline(): Date | number };

export async function startEcho(port = 0): Promise<EchoService> {
  const seen: Metadata[] = [];
  const deadlines: number[] = [];
  let cancelled = 0;
  let repeated = 0;
  const note = (call: Call) => {
    seen.push(call.metadata);
    const deadline = call.getDeadline();
    deadlines.push(Number(deadline) - Date.now());
  };
  const trailers = () => {
    const metadata = new Metadata();
    metadata.add("x-trailer", "one");
    metadata.add("x-trailer", "two");
    metadata.add("x-bytes-bin", Buffer.from([0, 255]));
    return metadata;
  };
  const head = () => {
    const metadata = new Metadata();
    metadata.add("x-head", "h");
    return metadata;
  };
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  server.addService(echoMethods, {
    unary(
      call: ServerUnaryCall<Buffer, Buffer>,
      answer: sendUnaryData<Buffer>,
    ) {
      note(call);
      call.sendMetadata(head());
      answer(null, call.request, trailers());
    },
    collect(
      call: ServerReadableStream<Buffer, Buffer>,
      answer: sendUnaryData<Buffer>,
    ) {
      note(call);
      let size = 0;
      call.on("data", (part: Buffer) => (size += part.length));
      call.on("end", () => answer(null, Buffer.from(String(size)), trailers()));
    },
    /** As many messages of as many bytes as the request says: `3x1000`. */
    repeat(call: ServerWritableStream<Buffer, Buffer>) {
      note(call);
      const [count, size] = call.request.toString().split("x").map(Number) as [
        number,
        number,
      ];
      const message = Buffer.alloc(size, "x");
      let left = count;
      const more = () => {
        while (left > 0) {
          left--;
          repeated++;
          if (!call.write(message)) return void call.once("drain", more);
        }
        call.end(trailers());
      };
      more();
    },
    chat(call: ServerDuplexStream<Buffer, Buffer>) {
      note(call);
      call.on("data", (part: Buffer) => {
        if (!call.write(part)) {
          call.pause();
          call.once("drain", () => call.resume());
        }
      });
      call.on("end", () => call.end(trailers()));
      call.on("cancelled", () => cancelled++);
    },
    fail(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      note(call);
      answer({
        code: status.FAILED_PRECONDITION,
        details: `no: café ${call.request.toString()}`,
        metadata: trailers(),
      });
    },
    /** Answers with one message at once, and then with nothing. */
    hang(call: ServerDuplexStream<Buffer, Buffer>) {
      note(call);
      call.write(Buffer.from("begun"));
      call.on("cancelled", () => cancelled++);
    },
  });
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      `127.0.0.1:${port}`,
      ServerCredentials.createInsecure(),
      (error, at) => (error ? reject(error) : resolve(at)),
    ),
  );
  return {
    port: bound,
    seen,
    deadlines,
    cancelled: () => cancelled,
    repeated: () => repeated,
    kill: () => server.forceShutdown(),
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        server.forceShutdown();
      }),
  };
}

/** A client of the service at a port of this machine. */
export const connectEcho = (port: number, options = {}) =>
  new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    ...options,
  });
