/**
 * The smallest HTTP/2 client that a load generator of gRPC needs, one call at a time:
 * node:http2 would use more CPU than the sidecar under test, on the same two cores.
 * A message fits into one frame (16 KB). A call went well if a message came: a failed one has none (RFC 9113; PROTOCOL-HTTP2.md of github.com/grpc/grpc).
 */
import { connect, type Socket } from "node:net";

export interface GrpcConnection {
  send(message: Buffer): void;
  close(): void;
}

export interface GrpcConnectionOptions {
  port: number;
  /** `/package.Service/Method` */
  path: string;
  /** The app that the call is passed on to: `dapr-app-id`. */
  appId?: string | undefined;
  onOpen(): void;
  /** Undefined for a call that failed. */
  onAnswer(message: Buffer | undefined): void;
  onBroken(why: string): void;
}

const frameTypes = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
};
const flags = { endStream: 1, ack: 1, endHeaders: 4 };
const headBytes = 9;
/** So much may come before the window has to be opened again: more than a run has. */
const windowBytes = 0x7000_0000;

export function openGrpcConnection(
  options: GrpcConnectionOptions,
): GrpcConnection {
  const { port, path, appId, onOpen, onAnswer, onBroken } = options;
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const first = firstHeaders(path, appId);
  const later = laterHeaders(appId === undefined ? 4 : 5);
  let stream = -1;
  let answer: Buffer[] = [];
  let rest: Buffer = Buffer.alloc(0);

  const takeFrame = (type: number, flag: number, id: number, body: Buffer) => {
    switch (type) {
      case frameTypes.data:
        answer.push(body);
        break;
      case frameTypes.settings:
        if ((flag & flags.ack) === 0) {
          socket.write(frame(frameTypes.settings, flags.ack, 0));
          if (stream < 0) onOpen();
        }
        break;
      case frameTypes.ping:
        if ((flag & flags.ack) === 0)
          socket.write(frame(frameTypes.ping, flags.ack, 0, body));
        break;
      case frameTypes.goaway:
        onBroken("the sidecar said goodbye");
    }
    const isLast =
      (type === frameTypes.data || type === frameTypes.headers) &&
      (flag & flags.endStream) !== 0;
    if (id !== stream || !(isLast || type === frameTypes.reset)) return;
    const message = Buffer.concat(answer);
    answer = [];
    // Not compressed, and whole.
    const isWhole =
      message.length >= 5 &&
      message[0] === 0 &&
      message.readUInt32BE(1) === message.length - 5;
    onAnswer(isWhole ? message.subarray(5) : undefined);
  };

  socket.once("connect", () => {
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(4, 0); // SETTINGS_INITIAL_WINDOW_SIZE
    settings.writeUInt32BE(windowBytes, 2);
    const window = Buffer.alloc(4);
    window.writeUInt32BE(windowBytes);
    socket.write(frame(frameTypes.settings, 0, 0, settings));
    socket.write(frame(8, 0, 0, window));
  });
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= headBytes) {
      const size = rest.readUIntBE(at, 3);
      const end = at + headBytes + size;
      if (rest.length < end) break;
      const id = rest.readUInt32BE(at + 5) & 0x7fff_ffff;
      takeFrame(
        rest[at + 3]!,
        rest[at + 4]!,
        id,
        rest.subarray(at + headBytes, end),
      );
      at = end;
    }
    rest = rest.subarray(at);
  });
  endWith(socket, onBroken);
  return {
    send(message) {
      const isFirst = stream < 0;
      stream += 2;
      const body = Buffer.allocUnsafe(5 + message.length);
      body[0] = 0;
      body.writeUInt32BE(message.length, 1);
      body.set(message, 5);
      socket.write(
        Buffer.concat([
          frame(
            frameTypes.headers,
            flags.endHeaders,
            stream,
            isFirst ? first : later,
          ),
          frame(frameTypes.data, flags.endStream, stream, body),
        ]),
      );
    },
    close: () => socket.end(),
  };
}

function endWith(socket: Socket, onBroken: (why: string) => void) {
  socket.on("error", (error) => onBroken(String(error)));
  socket.on("close", () => onBroken("the sidecar closed the connection"));
}

function frame(
  type: number,
  flag: number,
  stream: number,
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const whole = Buffer.allocUnsafe(headBytes + body.length);
  whole.writeUIntBE(body.length, 0, 3);
  whole[3] = type;
  whole[4] = flag;
  whole.writeUInt32BE(stream, 5);
  whole.set(body, headBytes);
  return whole;
}

/** `:method: POST` and `:scheme: http` are in the static table; the others go into the dynamic one (RFC 7541 §6). */
const firstHeaders = (path: string, appId: string | undefined) =>
  Buffer.concat([
    Buffer.from([0x83, 0x86]),
    Buffer.from([0x44]),
    text(path),
    Buffer.from([0x41]),
    text("localhost"),
    Buffer.from([0x5f]),
    text("application/grpc"),
    Buffer.from([0x40]),
    text("te"),
    text("trailers"),
    ...(appId === undefined
      ? []
      : [Buffer.from([0x40]), text("dapr-app-id"), text(appId)]),
  ]);
/** All by their numbers: the last of those that were added is 62. */
const laterHeaders = (added: number) =>
  Buffer.from([
    0x83,
    0x86,
    ...Array.from({ length: added }, (_, i) => 0x80 + 62 + added - 1 - i),
  ]);

/** Without Huffman's code; shorter than 127 bytes. */
const text = (value: string) =>
  Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
