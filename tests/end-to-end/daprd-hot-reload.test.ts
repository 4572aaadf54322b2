/** Files that change while the sidecar runs: components and HTTP endpoints come, change and go with them. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

const write = (sidecar: Daprd, name: string, text: string) =>
  writeFileSync(join(sidecar.resources, name), text);
const save = async (sidecar: Daprd, store: string) =>
  (
    await sidecar.call("POST", `/v1.0/state/${store}`, {
      body: JSON.stringify([{ key: "1", value: 1 }]),
    })
  ).status;
const read = async (sidecar: Daprd, store: string) =>
  (await sidecar.call("GET", `/v1.0/state/${store}/1`)).text;

test("a component comes with its file, changes with it and goes with it; the others stay as they are", async () => {
  const sidecar = await startDaprd({
    resources: { "kept.yaml": component("kept", "state.in-memory") },
  });
  expect(await save(sidecar, "kept")).toBe(204);

  write(sidecar, "fresh.yaml", component("fresh", "state.in-memory"));
  await sidecar.logged("Component loaded: fresh");
  expect(await save(sidecar, "fresh")).toBe(204);

  const folder = tempFolder("hot-reload");
  write(
    sidecar,
    "fresh.yaml",
    component("fresh", "state.sqlite", {
      connectionString: join(folder, "fresh.db"),
    }),
  );
  await sidecar.logged("Component updated: fresh (state.sqlite/v1)");
  expect(await save(sidecar, "fresh")).toBe(204);

  rmSync(join(sidecar.resources, "fresh.yaml"));
  await sidecar.logged("Component removed: fresh (state.sqlite/v1)");
  expect(await save(sidecar, "fresh")).toBe(400);
  // It was never opened anew: its one state is still there.
  expect(await read(sidecar, "kept")).toBe("1");
});

test("an editor's whole new file in the place of the old one is seen, too", async () => {
  const sidecar = await startDaprd({
    resources: { "store.yaml": component("first", "state.in-memory") },
  });
  const draft = join(sidecar.resources, ".store.yaml.swp");
  writeFileSync(draft, component("second", "state.in-memory"));
  renameSync(draft, join(sidecar.resources, "store.yaml"));
  await sidecar.logged("Component loaded: second");
  await sidecar.logged("Component removed: first");
});

test("an input binding is read from when its file comes, and no more when it goes", async () => {
  const app = await startApp();
  const sidecar = await startDaprd({ appPort: app.port, until: "ready" });
  write(sidecar, "orders.yaml", embedded());
  await sidecar.logged("Component loaded: orders");
  const sent = await sidecar.call("POST", "/v1.0/bindings/orders", {
    body: order({ orderId: 1 }),
  });
  expect(sent.status).toBe(204);
  await waitFor("the order", () => app.posts().length === 1);
  rmSync(join(sidecar.resources, "orders.yaml"));
  await sidecar.logged("Component removed: orders");
});

test("a mistake in a file is told with its place, once, and changes nothing until it is mended", async () => {
  const sidecar = await startDaprd({
    resources: { "store.yaml": component("store", "state.in-memory") },
  });
  expect(await save(sidecar, "store")).toBe(204);
  write(sidecar, "store.yaml", "kind: Component\nmetadata: [\n");
  await sidecar.logged("a changed file is not taken: ");
  await sidecar.logged("store.yaml:3:1); what is loaded from it stays");
  write(sidecar, "other.yaml", component("store", "state.in-memory"));
  expect(await read(sidecar, "store")).toBe("1");
  write(sidecar, "store.yaml", component("store", "state.in-memory"));
  await sidecar.logged("duplicate definition of Component name store");
  rmSync(join(sidecar.resources, "other.yaml"));
  write(sidecar, "more.yaml", component("more", "state.in-memory"));
  await sidecar.logged("Component loaded: more");
  expect(await read(sidecar, "store")).toBe("1");
});

test("a component that can't be opened as changed stays as it was, and is tried again", async () => {
  const sidecar = await startDaprd({
    resources: { "store.yaml": component("store", "state.in-memory") },
  });
  expect(await save(sidecar, "store")).toBe(204);
  write(sidecar, "store.yaml", component("store", "state.inmemory"));
  await sidecar.logged("as it was before the change it goes on");
  expect(await read(sidecar, "store")).toBe("1");
});

test("HTTP endpoints come and go with their files", async () => {
  const app = await startApp(() => ({ status: 200, body: "outside" }));
  const sidecar = await startDaprd();
  const ask = () => sidecar.call("GET", "/v1.0/invoke/shop/method/x");
  expect((await ask()).status).toBe(500);
  write(
    sidecar,
    "shop.yaml",
    `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: shop
spec:
  baseUrl: http://127.0.0.1:${app.port}
`,
  );
  await waitFor("the endpoint", async () => (await ask()).text === "outside");
  rmSync(join(sidecar.resources, "shop.yaml"));
  await waitFor("its end", async () => (await ask()).status === 500);
});

test("a Configuration can turn it off", async () => {
  const file = join(tempFolder("hot-reload"), "config.yaml");
  writeFileSync(
    file,
    configuration("  features:\n    - name: HotReload\n      enabled: false\n"),
  );
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    args: ["--config", file, "--hot-reload-reconcile-interval", "100ms"],
  });
  write(sidecar, "store.yaml", component("store", "state.in-memory"));
  sidecar.child.kill("SIGHUP");
  await sidecar.logged("Component loaded: store");
  // Only the new start read it.
  const lines = sidecar.messages();
  expect(
    lines.findIndex((line) => line.includes("Component loaded: store")),
  ).toBeGreaterThan(lines.findIndex((line) => line.includes("restarting")));
});
