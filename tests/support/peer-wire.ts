/** A relay to the port for other sidecars. A test decides how a greeting is answered, and everything else is passed on. */
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";

export interface PeerWire {
  port: number;
  /** How many connections began with a greeting, and how many with HTTP/2. */
  greetings(): number;
  http2(): number;
  close(): Promise<void>;
}

const wires = new Set<PeerWire>();

/** For afterEach: closes every relay that a test left. */
export async function closeWires(): Promise<void> {
  await Promise.all([...wires].map((wire) => wire.close()));
}

/** `onGreeting` gets the connection of a greeting, and the function that passes it on to `port`. */
export async function openWire(
  port: number,
  onGreeting: (near: Socket, lead: () => void) => void,
  ownPort = 0,
): Promise<PeerWire> {
  const sockets = new Set<Socket>();
  let greetings = 0;
  let http2 = 0;
  const server: Server = createServer((near) => {
    track(near);
    near.once("data", (first) => {
      near.pause();
      const lead = () => {
        const far = connect(port, "127.0.0.1");
        track(far);
        far.write(first);
        near.pipe(far).pipe(near);
        near.on("close", () => far.destroy());
        far.on("close", () => near.destroy());
      };
      const text = first.toString("latin1");
      if (text.startsWith("OPTIONS * HTTP/1.1\r\n")) {
        greetings++;
        onGreeting(near, lead);
      } else {
        if (text.startsWith("PRI ")) http2++;
        lead();
      }
    });
  });
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  await new Promise<void>((done) => server.listen(ownPort, "127.0.0.1", done));
  const wire: PeerWire = {
    port: (server.address() as AddressInfo).port,
    greetings: () => greetings,
    http2: () => http2,
    async close() {
      wires.delete(wire);
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  wires.add(wire);
  return wire;
}

/** A relay that looks like a sidecar which speaks only gRPC. */
export const openGrpcWire = (port: number, ownPort = 0): Promise<PeerWire> =>
  openWire(port, (near) => near.destroy(), ownPort);
