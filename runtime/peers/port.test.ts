import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { listenForPeers } from "./port.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(
    servers
      .splice(0)
      .map((server) => new Promise((done) => server.close(done))),
  );
});
const listen = async (addresses: string[], port = 0) => {
  const listening = await listenForPeers(
    { addresses, port, appId: "port-test" },
    () => createServer(),
  );
  servers.push(...listening.servers);
  return listening;
};

const isOpen = (host: string, port: number) =>
  new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

test("an address that is not here is passed over, also the first", async () => {
  const { port, addresses, failures } = await listen([
    "192.0.2.1",
    "127.0.0.1",
    "127.0.0.2",
  ]);
  expect(addresses).toEqual(["127.0.0.1", "127.0.0.2"]);
  expect(failures).toEqual([expect.stringContaining("192.0.2.1")]);
  expect(await isOpen("127.0.0.1", port)).toBe(true);
  expect(await isOpen("127.0.0.2", port)).toBe(true);
});

test("all addresses, listed by family", async () => {
  for (const addresses of [
    ["0.0.0.0", "::"],
    ["::", "0.0.0.0"],
  ]) {
    const listening = await listen(addresses);
    expect(listening.addresses).toContain("0.0.0.0");
    expect(await isOpen("127.0.0.1", listening.port)).toBe(true);
  }
});

test("none that can be used is an error that tells of the address", async () => {
  await expect(listen(["192.0.2.1"], 47_300)).rejects.toThrow(
    /^could not listen on 192\.0\.2\.1:47300 for other sidecars: .*EADDRNOTAVAIL.*; give another --dapr-internal-grpc-listen-address$/,
  );
});

test("a port that was asked for and is taken is an error that tells of the port", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  servers.push(other);
  const { port } = other.address() as AddressInfo;
  await expect(listen(["127.0.0.1"], port)).rejects.toThrow(
    /EADDRINUSE.*; give another --dapr-internal-grpc-port, or 0 for any$/,
  );
});
