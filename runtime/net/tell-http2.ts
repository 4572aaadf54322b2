/** HTTP/1.1 and HTTP/2 without TLS on one port: the first bytes of a connection tell which. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { startTimer } from "../shared/timers.ts";

export interface TellHttp2Options {
  /** Gets each connection that begins as HTTP/2 does, its first bytes put back. */
  serveHttp2(socket: Socket): void;
  /** A connection that did not begin after so long ends; 0 = never. */
  silentMs: number;
  /** What a connection of HTTP/1.1 may begin with: it is answered before a server has it. */
  greeting?: {
    question: Buffer;
    answer: Buffer;
    /** If not, the question goes to the server as any request. */
    isAnswered(): boolean;
  };
}

/** Puts itself before a server of HTTP/1.1 that does not listen yet. */
export function tellHttp2(server: Server, options: TellHttp2Options): void {
  const [serveHttp1] = server.listeners("connection") as [
    (socket: Socket) => void,
  ];
  server.removeListener("connection", serveHttp1);
  server.on("connection", (socket: Socket) =>
    peek(socket, options, (isHttp2) => {
      if (isHttp2) {
        socket.allowHalfOpen = false; // as HTTP/2 has its connections
        options.serveHttp2(socket);
      } else {
        serveHttp1.call(server, socket);
        socket.resume();
      }
    }),
  );
}

/** As far as no request of HTTP/1.1 begins (RFC 9113 §3.4). */
const preface = Buffer.from("PRI ");

/** Looks at the first bytes, and puts back what is no greeting. */
function peek(
  socket: Socket,
  { silentMs, greeting }: TellHttp2Options,
  then: (isHttp2: boolean) => void,
) {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  const timer = silentMs > 0 ? startTimer(giveUp, silentMs) : undefined;
  const stopTimer = () => clearTimeout(timer);
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const isHttp2 = beginsAs(preface, seen);
    const isGreeting =
      !isHttp2 &&
      greeting !== undefined &&
      beginsAs(greeting.question, seen) &&
      greeting.isAnswered();
    const awaited = isHttp2 ? preface : isGreeting ? greeting.question : seen;
    if (seen.length < awaited.length) return;
    socket.off("data", onData);
    socket.off("end", giveUp);
    socket.off("error", giveUp);
    socket.off("close", stopTimer);
    stopTimer();
    socket.pause();
    if (isGreeting) {
      socket.write(greeting.answer);
      seen = seen.subarray(greeting.question.length);
    }
    if (seen.length > 0) socket.unshift(seen);
    then(isHttp2);
  };
  socket.on("end", giveUp);
  socket.on("error", giveUp);
  socket.on("close", stopTimer);
  socket.on("data", onData);
}

/** Whether it is true as far as both go. */
function beginsAs(opening: Buffer, seen: Buffer): boolean {
  const size = Math.min(seen.length, opening.length);
  return seen.compare(opening, 0, size, 0, size) === 0;
}
