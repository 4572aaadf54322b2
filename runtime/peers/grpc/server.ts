/**
 * Calls of sidecars that speak the original's internal gRPC. Loaded with the
 * first such call: a sidecar among its own kind does not need it.
 */
import { Readable } from "node:stream";
import { messageOf } from "../../shared/message-of.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import type { OnGrpcCall } from "../../contracts/call.ts";
import {
  CallError,
  grpcCodeOfKind,
  type Forward,
  type ForwardReply,
} from "../../contracts/invocation.ts";
import {
  targetOf,
  unsentAsked,
  unsentMark,
  type ProxiedCall,
} from "../../contracts/proxied-call.ts";
import {
  createGrpcServer,
  type GrpcServer,
  type ServeCall,
} from "../../net/grpc/server.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import { GrpcError } from "../../net/grpc/status.ts";
import type {
  InternalInvokeRequest,
  InternalInvokeRequestStream,
} from "../../proto/gen/dapr/proto/internals/v1/service_invocation.ts";
import { encodePayload } from "../../proto/stream-payload.ts";
import { leaving } from "../failures.ts";
import { malformed, toForwardRequest, toInvokeResponse } from "./headers.ts";
import { PayloadBody, sendBody } from "./payloads.ts";
import {
  callLocal,
  callLocalPath,
  callLocalStreamPath,
  decodeRequestPart,
  responseHead,
  wholeMessages,
} from "./service.ts";

export interface PeerGrpcOptions {
  receive: Forward;
  /** For calls of all other services; without it they are UNIMPLEMENTED. */
  receiveProxied?: (call: ProxiedCall) => Promise<void>;
  /** The limit of a message; 0 or less is none. */
  maxBodyBytes: number;
  /** Whether calls are refused because this sidecar is ending. */
  isLeaving: () => boolean;
  onGrpcCall?: OnGrpcCall | undefined;
  onGrpcPassedOn?: OnGrpcCall | undefined;
}

/** What a caller may have sent to its own sidecar, and what that adds. */
const maxMetadataBytes = (64 + 8) * 1024;

export function createPeerGrpc(options: PeerGrpcOptions): GrpcServer {
  const { maxBodyBytes, isLeaving, receiveProxied } = options;
  const receive: Forward = async (request) => {
    if (isLeaving()) throw leaving();
    return options.receive(request);
  };
  // The original's sidecars can't make it anew, so it is taken as long as there is a connection.
  const proxied =
    (take: (call: ProxiedCall) => Promise<void>): ServeCall =>
    (call) =>
      void take(call).catch((error: unknown) =>
        // The original's sidecar would pass the word on to its app.
        fail(
          call,
          error,
          call.metadata[unsentAsked.name] === unsentAsked.value,
        ),
      );
  const told =
    (answer: ServeCall, tell = options.onGrpcCall): ServeCall =>
    (call) => {
      const started = performance.now();
      call.onStatus = (code) =>
        tell?.(call.path, code, performance.now() - started, call.sizes);
      answer(call);
    };
  /** Of a sidecar's own calls: an app's, which it passed on, could say anything about who calls. */
  const own = (answer: ServeCall) =>
    told((call) =>
      isProxied(call) ? fail(call, notProxied(call.path)) : answer(call),
    );
  return createGrpcServer({
    maxMessageBytes: maxBodyBytes,
    methods: new Map([
      [callLocalPath, own((call) => answerOnce(call, receive, maxBodyBytes))],
      [callLocalStreamPath, own((call) => answerStream(call, receive))],
    ]),
    maxMetadataBytes,
    onUnknown:
      receiveProxied && told(proxied(receiveProxied), options.onGrpcPassedOn),
  });
}

/** A sidecar names the app of an app's call in the metadata, and that of its own in the message. */
const isProxied = ({ metadata }: ServerCall) =>
  targetOf(metadata) !== undefined;

const notProxied = (path: string) =>
  new CallError(
    "denied",
    `${path} is for sidecars, and an app's call was passed on to it`,
  );

function answerOnce(call: ServerCall, receive: Forward, maxBytes: number) {
  const { signal } = call;
  const answer = async (request: InternalInvokeRequest) => {
    const data = request.message?.data?.value;
    const body = data && data.length > 0 ? data : undefined;
    const reply = await receive(toForwardRequest(request, body, signal));
    const response = toInvokeResponse(reply);
    // This method can only send it in one piece.
    const value = await wholeBody(bodyOf(reply), maxBytes, () =>
      tooLarge(maxBytes),
    );
    response.message!.data = { typeUrl: reply.grpc?.typeUrl ?? "", value };
    call.end(callLocal.responseSerialize(response));
  };
  let message: Buffer | undefined;
  call.read({
    onMessage(bytes) {
      if (message) fail(call, malformed("the call has more than one message"));
      message = bytes;
    },
    onEnd() {
      const run = async () => {
        if (!message) throw malformed("the call has no message");
        await answer(callLocal.requestDeserialize(message));
      };
      run().catch((error: unknown) => fail(call, error));
    },
  });
}

/** A call of a gRPC app that failed has none: the caller makes it from the status. */
const bodyOf = ({ grpc, body }: ForwardReply): ForwardReply["body"] =>
  grpc && grpc.code !== 0 ? new Uint8Array(0) : body;

const tooLarge = (maxBytes: number) =>
  new CallError(
    "too-large",
    `the app's answer is larger than ${maxBytes} bytes`,
  );

/** The first message has the head of the request, and the first piece of its body if it has one. */
function answerStream(call: ServerCall, receive: Forward) {
  let head: InternalInvokeRequest | undefined;
  let body: PayloadBody | undefined;
  let hasBegun = false;
  const begin = (whole?: Uint8Array) => {
    hasBegun = true;
    // Pieces of a body that nobody reads to its end are dropped.
    if (!whole) body = new PayloadBody(call, () => call.resume());
    const given = whole?.length === 0 ? undefined : (whole ?? body);
    receive(toForwardRequest(head!, given, call.signal))
      .then((reply) => respond(call, reply, () => body?.isWaiting ?? false))
      .catch((error: unknown) => fail(call, error));
  };
  const takeHead = ({ request, payload }: InternalInvokeRequestStream) => {
    if (!request?.message || request.metadata.size === 0)
      throw malformed(
        "request does not contain the required fields in the leading chunk",
      );
    head = request;
    // If the first message has no piece of a body, the next one tells whether there is a body.
    if (!payload || payload.data.length === 0) return;
    if (lengthOf(request) === payload.data.length) return begin(payload.data);
    begin();
    body?.add(payload);
  };
  const take = ({ request, payload }: InternalInvokeRequestStream) => {
    if (request && (request.metadata.size > 0 || request.message))
      throw malformed("request metadata found in non-leading chunk");
    if (!hasBegun) begin();
    if (!payload) return;
    if (body) body.add(payload);
    else if (payload.data.length > 0)
      throw malformed("the body is longer than its Content-Length");
  };
  const orFail = (work: () => void) => {
    try {
      work();
    } catch (error) {
      fail(call, error);
    }
  };
  call.signal.addEventListener("abort", () =>
    body?.destroy(call.signal.reason as Error),
  );
  call.read({
    onMessage: (bytes) =>
      orFail(() => {
        const part = decodeRequestPart(bytes);
        if (head) take(part);
        else takeHead(part);
      }),
    onEnd: () =>
      orFail(() => {
        if (!head) throw malformed("the stream has no message");
        if (!hasBegun) begin(new Uint8Array(0));
        else body?.push(null);
      }),
  });
}

function lengthOf({ metadata }: InternalInvokeRequest): number {
  const told = metadata.get("Content-Length") ?? metadata.get("content-length");
  return Number(told?.values[0]);
}

function respond(call: ServerCall, reply: ForwardReply, isTied: () => boolean) {
  const body = bodyOf(reply);
  if (!(body instanceof Readable)) {
    const messages = wholeMessages(responseHead(toInvokeResponse(reply)), body);
    for (const message of messages.slice(0, -1)) call.write(message);
    call.end(messages.at(-1));
    return;
  }
  if (call.isOver || call.signal.aborted) return void body.destroy();
  try {
    call.write(responseHead(toInvokeResponse(reply)));
  } catch (error) {
    body.destroy();
    throw error;
  }
  const stop = sendBody(body, {
    write: ({ data, seq }, done) =>
      void call.write(encodePayload(data, seq), done),
    end: () => call.end(),
    fail: (error) => fail(call, error),
    knot: { isTied, cut: () => call.reset() },
  });
  call.signal.addEventListener("abort", () => {
    stop();
    body.destroy();
  });
}

/** Whether the app saw the call is told to sidecars of this kind only: the original asks anew by the code. */
function fail(call: ServerCall, error: unknown, tellsUnsent = true) {
  const { kind, unsent } =
    error instanceof CallError ? error : new CallError("internal", "");
  call.fail(
    new GrpcError(grpcCodeOfKind[kind], messageOf(error), { cause: error }),
    unsent && tellsUnsent ? { [unsentMark]: "true" } : {},
  );
}
