/** HTTP/1.1 and HTTP/2 without TLS on one port: the first bytes of a connection tell which. */
import type { Server } from "node:http";
import type { Socket } from "node:net";

export interface TellHttp2Options {
  /** Gets each connection that begins as HTTP/2 does, its first bytes put back. */
  serveHttp2(socket: Socket): void;
  /** A connection that says nothing for so long ends; 0 = never. */
  silentMs: number;
}

/** Puts itself before a server of HTTP/1.1 that does not listen yet. */
export function tellHttp2(
  server: Server,
  { serveHttp2, silentMs }: TellHttp2Options,
): void {
  const [serveHttp1] = server.listeners("connection") as [
    (socket: Socket) => void,
  ];
  server.removeListener("connection", serveHttp1);
  server.on("connection", (socket: Socket) =>
    peek(socket, silentMs, (isHttp2) => {
      if (isHttp2) {
        socket.allowHalfOpen = false; // as HTTP/2 has its connections
        serveHttp2(socket);
      } else {
        serveHttp1.call(server, socket);
        socket.resume();
      }
    }),
  );
}

/** As far as no request of HTTP/1.1 begins (RFC 9113 §3.4). */
const preface = Buffer.from("PRI ");

/** Looks at the first bytes, and puts them back. */
function peek(
  socket: Socket,
  silentMs: number,
  then: (isHttp2: boolean) => void,
) {
  let seen: Buffer = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  socket.setTimeout(silentMs, giveUp);
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const size = Math.min(seen.length, preface.length);
    const isHttp2 = seen.compare(preface, 0, size, 0, size) === 0;
    if (isHttp2 && size < preface.length) return;
    socket.off("data", onData);
    socket.off("end", giveUp);
    socket.off("error", giveUp);
    socket.off("timeout", giveUp);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(seen);
    then(isHttp2);
  };
  socket.on("end", giveUp);
  socket.on("error", giveUp);
  socket.on("data", onData);
}
