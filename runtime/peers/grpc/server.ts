/**
 * Calls of sidecars that speak the original's internal gRPC. Loaded with the
 * first such call: a sidecar among its own kind does not need it.
 */
import { Readable } from "node:stream";
import type { Socket } from "node:net";
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import {
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  type Forward,
  type ForwardReply,
} from "../../contracts/invocation.ts";
import { leaving } from "../failures.ts";
import { malformed, toForwardRequest, toInvokeResponse } from "./headers.ts";
import type {
  InvokeRequest,
  InvokeResponse,
  RequestPart,
  ResponsePart,
} from "./messages.ts";
import { PayloadBody, sendBody } from "./payloads.ts";
import { callLocal, callLocalStream } from "./service.ts";
import { codeOf, unsentMark } from "./status.ts";

export interface GrpcServerOptions {
  receive: Forward;
  /** The limit of a message; 0 or less is none. */
  maxBodyBytes: number;
  /** Whether calls are refused because this sidecar is ending. */
  isLeaving: () => boolean;
}

export interface GrpcServer {
  /** Takes over a connection of which nothing is read yet, or of which the bytes were put back. */
  serve(socket: Socket): void;
  /** Lets calls under way end, then closes every connection. */
  close(): Promise<void>;
}

export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const receive: Forward = async (request) => {
    if (options.isLeaving()) throw leaving();
    return options.receive(request);
  };
  // Else the library would write what strangers send to standard error, past the log.
  setLogVerbosity(logVerbosity.NONE);
  const maxBytes = options.maxBodyBytes > 0 ? options.maxBodyBytes : -1;
  // The original's times.
  const server = new Server({
    "grpc.max_receive_message_length": maxBytes,
    "grpc.max_send_message_length": maxBytes,
    "grpc.keepalive_time_ms": 10_000,
    "grpc.keepalive_timeout_ms": 5000,
    "grpc.max_connection_idle_ms": 180_000,
    "grpc.enable_channelz": 0,
  });
  ignoreEndedStreams(server);
  server.addService(
    { CallLocal: callLocal, CallLocalStream: callLocalStream },
    {
      CallLocal: (
        call: ServerUnaryCall<InvokeRequest, InvokeResponse>,
        answer: sendUnaryData<InvokeResponse>,
      ) => void answerOnce(call, answer, receive, maxBytes),
      CallLocalStream: (call: Stream) => answerStream(call, receive),
    },
  );
  const connections = server.createConnectionInjector(
    ServerCredentials.createInsecure(),
  );
  return {
    serve(socket) {
      connections.injectConnection(socket);
    },
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
  };
}

/**
 * The library answers a wrong call even if its stream has been reset, and then
 * throws where nobody can catch it. This function is its first look at a stream.
 */
function ignoreEndedStreams(server: Server) {
  const inner = server as unknown as {
    _verifyContentType(
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
    ): boolean;
  };
  const verify = inner._verifyContentType.bind(server);
  inner._verifyContentType = (stream, headers) =>
    !(stream.destroyed || stream.closed) && verify(stream, headers);
}

async function answerOnce(
  call: ServerUnaryCall<InvokeRequest, InvokeResponse>,
  answer: sendUnaryData<InvokeResponse>,
  receive: Forward,
  maxBytes: number,
) {
  const gone = new AbortController();
  call.on("cancelled", () => gone.abort(callerGone()));
  try {
    const data = call.request.message?.data;
    const reply = await receive(
      toForwardRequest(
        call.request,
        data && data.length > 0 ? data : undefined,
        gone.signal,
      ),
    );
    const response = toInvokeResponse(reply);
    response.data = await wholeOf(reply.body, maxBytes);
    answer(null, response);
  } catch (error) {
    answer(statusOf(error));
  }
}

/** The whole body, as this method can only send it in one piece. */
async function wholeOf(
  body: ForwardReply["body"],
  maxBytes: number,
): Promise<Buffer> {
  if (!(body instanceof Readable))
    return Buffer.from(body.buffer, body.byteOffset, body.length);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Uint8Array).length;
    if (maxBytes > 0 && size > maxBytes)
      throw new CallError(
        "too-large",
        `the app's answer is larger than ${maxBytes} bytes`,
      );
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks);
}

type Stream = ServerDuplexStream<RequestPart, ResponsePart>;

/** The first message has the head of the request, and the first piece of its body if it has one. */
function answerStream(call: Stream, receive: Forward) {
  const gone = new AbortController();
  let head: InvokeRequest | undefined;
  let body: PayloadBody | undefined;
  let isPassedOn = false;
  const fail = (error: unknown) => {
    gone.abort(error);
    body?.destroy(error as Error);
    call.emit("error", statusOf(error));
  };
  const passOn = (whole?: Uint8Array) => {
    isPassedOn = true;
    // Pieces of a body that nobody reads to its end are dropped.
    if (!whole) body = new PayloadBody(call, () => call.resume());
    const given = whole?.length === 0 ? undefined : (whole ?? body);
    try {
      receive(toForwardRequest(head!, given, gone.signal))
        .then((reply) => respond(call, reply, () => body?.isWaiting ?? false))
        .catch(fail);
    } catch (error) {
      fail(error);
    }
  };
  const takeHead = ({ request, payload }: RequestPart) => {
    if (!request?.message || request.metadata.size === 0)
      return fail(
        malformed(
          "request does not contain the required fields in the leading chunk",
        ),
      );
    head = request;
    // If the first message has no piece of a body, the next one tells whether there is a body.
    if (!payload || payload.data.length === 0) return;
    if (lengthOf(request) === payload.data.length) return passOn(payload.data);
    passOn();
    body?.add(payload);
  };

  call.on("data", (part: RequestPart) => {
    if (gone.signal.aborted) return;
    if (!head) return takeHead(part);
    const { request, payload } = part;
    if (request && (request.metadata.size > 0 || request.message))
      return fail(malformed("request metadata found in non-leading chunk"));
    if (!isPassedOn) passOn();
    if (!payload) return;
    if (body) body.add(payload);
    else if (payload.data.length > 0)
      fail(malformed("the body is longer than its Content-Length"));
  });
  // The library also ends a stream that is reset, and reports the reset a little later.
  call.on("end", () => setImmediate(finish));
  const finish = () => {
    if (gone.signal.aborted || call.cancelled) return;
    if (!head) fail(malformed("the stream has no message"));
    else if (!isPassedOn) passOn(new Uint8Array(0));
    else body?.push(null);
  };
  call.on("cancelled", () => {
    // Each call ends like this, even one that went well.
    if (call.writableEnded && (!body || body.readableEnded)) return;
    const error = callerGone();
    gone.abort(error);
    body?.destroy(error);
  });
}

function lengthOf({ metadata }: InvokeRequest): number {
  const values =
    metadata.get("Content-Length") ?? metadata.get("content-length");
  return Number(values?.[0]);
}

function respond(call: Stream, reply: ForwardReply, isTied: () => boolean) {
  if (call.cancelled) {
    if (reply.body instanceof Readable) reply.body.destroy();
    return;
  }
  try {
    call.write({ response: toInvokeResponse(reply) });
  } catch (error) {
    if (reply.body instanceof Readable) reply.body.destroy();
    throw error;
  }
  const stop = sendBody(reply.body, {
    write: (payload, done) => call.write({ payload }, done),
    end: () => call.end(),
    fail: (error) => call.emit("error", statusOf(error)),
    knot: { isTied, cut: () => reset(call) },
  });
  call.on("cancelled", () => {
    stop();
    if (reply.body instanceof Readable) reply.body.destroy();
  });
}

/** A status would come after all that is written, which nobody reads. Only a reset overtakes it. */
function reset(call: Stream) {
  const { stream } = (
    call as unknown as { call: { stream: ServerHttp2Stream } }
  ).call;
  stream.close(constants.NGHTTP2_INTERNAL_ERROR);
}

const callerGone = () => new Error("the caller went away");

/** An error as the library sends it. Only sidecars of this kind are told whether the app saw the call; the original decides by the code. */
function statusOf(error: unknown): Error & Partial<StatusObject> {
  const details = messageOf(error);
  const { kind, unsent } =
    error instanceof CallError ? error : new CallError("internal", details);
  const metadata = new Metadata();
  if (unsent) metadata.set(unsentMark, "true");
  return Object.assign(new Error(details), {
    code: codeOf(kind),
    details,
    metadata,
  });
}
