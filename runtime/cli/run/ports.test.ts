import { createServer } from "node:net";
import type { Server } from "node:net";
import type { AppSpec } from "./app-spec.ts";
import { assignPorts, checkApart } from "./assign-ports.ts";
import type { Instance } from "../instances/instances.ts";
import { freePorts, isFree } from "./ports.ts";

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function occupy(host?: string): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as { port: number }).port;
}

const spec = (ports: Partial<AppSpec>) =>
  ({
    "app-id": "a",
    "app-port": -1,
    "dapr-http-port": -1,
    "dapr-grpc-port": -1,
    "dapr-internal-grpc-port": -1,
    "metrics-port": -1,
    "profile-port": -1,
    "enable-profiling": false,
    ...ports,
  }) as AppSpec;

test("a port is free unless someone listens, on loopback or on all interfaces", async () => {
  expect(await isFree(await occupy("127.0.0.1"))).toBe(false);
  expect(await isFree(await occupy())).toBe(false);
  const [port] = await freePorts(1, new Set());
  expect(await isFree(port!)).toBe(true);
});

test("free ports differ from each other", async () => {
  expect(new Set(await freePorts(20, new Set())).size).toBe(20);
});

test("all ports are assigned, the given ones kept; profiling only when asked for", async () => {
  const [given] = await freePorts(1, new Set());
  const it = spec({ "dapr-http-port": given! });
  await assignPorts(it, []);
  const ports = [
    it["dapr-http-port"],
    it["dapr-grpc-port"],
    it["dapr-internal-grpc-port"],
    it["metrics-port"],
  ];
  expect(ports[0]).toBe(given);
  expect(new Set(ports).size).toBe(4);
  expect(Math.min(...ports)).toBeGreaterThan(0);
  expect(it["profile-port"]).toBe(-1);
  const profiled = spec({ "enable-profiling": true });
  await assignPorts(profiled, []);
  expect(profiled["profile-port"]).toBeGreaterThan(0);
});

test("a busy port names the sidecar that has it", async () => {
  const port = await occupy("127.0.0.1");
  const running = [
    { appId: "orders", httpPort: 1, grpcPort: port },
  ] as Instance[];
  await expect(
    assignPorts(spec({ "dapr-grpc-port": port }), running),
  ).rejects.toThrow(
    `invalid configuration for GRPCPort. Port ${port} is not available\n` +
      `    The sidecar of app "orders" listens on it: end it with \`dapr stop --app-id orders\`, or give another --dapr-grpc-port (daprGRPCPort), or leave`,
  );
});

test("one port given twice, to the app, or to another app of the run", async () => {
  const [port] = (await freePorts(1, new Set())) as [number];
  await expect(
    assignPorts(spec({ "dapr-http-port": port, "metrics-port": port }), []),
  ).rejects.toThrow(
    `invalid configuration for MetricsPort. Port ${port} is not available`,
  );
  await expect(
    assignPorts(spec({ "dapr-http-port": port, "app-port": port }), []),
  ).rejects.toThrow("is the app's own port");
  await expect(
    assignPorts(spec({ "dapr-http-port": port }), [], [port]),
  ).rejects.toThrow("given to something else in this run");
});

test("one port for two apps of a run: the second is told, in the run file's words", () => {
  const first = {
    ...spec({ "dapr-http-port": 3500, "app-port": 3000 }),
    "app-id": "a",
  };
  const check = (ports: Partial<AppSpec>) => checkApart(spec(ports), [first]);
  expect(() => check({ "dapr-http-port": 3500 })).toThrow(
    'invalid configuration for HTTPPort. Port 3500 is not available\n    It is the daprHTTPPort of app "a": give another daprHTTPPort, or leave it out for a free one.',
  );
  expect(() => check({ "app-port": 3500 })).toThrow(
    'It is the daprHTTPPort of app "a": give another appPort.',
  );
  expect(() => check({ "metrics-port": 3000 })).toThrow(
    'the appPort of app "a"',
  );
  expect(() =>
    check({ "app-port": 3000, "dapr-http-port": 3501 }),
  ).not.toThrow();
});
