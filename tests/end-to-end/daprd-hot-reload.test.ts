/** Hot reload: components and HTTP endpoints come, change and go with their files while the sidecar runs. */
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { component, configuration, fileStore } from "../support/component.ts";
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

test("a component comes, changes and goes with its file, and the others stay as they are", async () => {
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
  // It was never opened again: its value in memory is still there.
  expect(await read(sidecar, "kept")).toBe("1");
});

test("a new file that an editor puts in the place of the old one is noticed", async () => {
  const sidecar = await startDaprd({
    resources: { "store.yaml": component("first", "state.in-memory") },
  });
  const draft = join(sidecar.resources, ".store.yaml.swp");
  writeFileSync(draft, component("second", "state.in-memory"));
  renameSync(draft, join(sidecar.resources, "store.yaml"));
  await sidecar.logged("Component loaded: second");
  await sidecar.logged("Component removed: first");
});

test("an input binding is read from when its file comes, and no longer when the file goes", async () => {
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

test("an error in a file is logged once, with its place, and changes nothing until it is corrected", async () => {
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

test("each change of a file that is wrong is told, with what was meant", async () => {
  const subscription = (route: string) => `apiVersion: dapr.io/v1alpha1
kind: Subscription
metadata: {name: one}
spec:
  pubsubname: bus
  topic: orders
  ${route}
`;
  const sidecar = await startDaprd({
    resources: { "one.yaml": subscription("route: /orders") },
  });
  const refusals = () =>
    sidecar
      .messages()
      .filter((line) =>
        line.startsWith(
          'a changed file is not taken: subscription "one": it has no spec.route',
        ),
      ).length;
  write(sidecar, "one.yaml", subscription("rout: /orders"));
  await sidecar.logged(
    "spec.rout is not a field and has no effect; did you mean route?",
  );
  expect(refusals()).toBe(1);
  write(sidecar, "one.yaml", subscription("rotue: /orders"));
  await sidecar.logged(
    "spec.rotue is not a field and has no effect; did you mean route?",
  );
  expect(refusals()).toBe(2);
  // Another file's change says nothing of this one.
  write(sidecar, "more.yaml", component("more", "state.in-memory"));
  await sidecar.logged("Component loaded: more");
  expect(refusals()).toBe(2);
});

test("a component that cannot be opened after a change stays as it was, and is tried again", async () => {
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

test("the Configuration can turn hot reload off", async () => {
  const file = join(tempFolder("hot-reload"), "config.yaml");
  writeFileSync(
    file,
    configuration("  features:\n    - name: HotReload\n      enabled: false\n"),
  );
  const app = await startApp();
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    args: ["--config", file, "--hot-reload-reconcile-interval", "1s"],
  });
  write(sidecar, "store.yaml", component("store", "state.in-memory"));
  sidecar.child.kill("SIGHUP");
  await sidecar.logged("Component loaded: store");
  // Only the restart has read the change.
  const lines = sidecar.messages();
  expect(
    lines.findIndex((line) => line.includes("Component loaded: store")),
  ).toBeGreaterThan(lines.findIndex((line) => line.includes("restarting")));
});

const endpoint = (port: number) => `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: shop
spec:
  baseUrl: http://127.0.0.1:${port}
  headers:
    - name: x-key
      secretKeyRef:
        name: key
        key: key
auth:
  secretStore: secrets
`;

test("an endpoint gets its secret from a store that comes with it, and keeps it when the store goes", async () => {
  const app = await startApp(({ headers }) => ({
    status: 200,
    body: String(headers["x-key"]),
  }));
  const file = join(tempFolder("hot-reload"), "secrets.json");
  writeFileSync(file, JSON.stringify({ key: "one" }));
  const sidecar = await startDaprd();
  const ask = async () =>
    (await sidecar.call("GET", "/v1.0/invoke/shop/method/x")).text;
  write(sidecar, "a-shop.yaml", endpoint(app.port));
  write(sidecar, "b-secrets.yaml", fileStore("secrets", file));
  await waitFor("its secret", async () => (await ask()) === "one");
  rmSync(join(sidecar.resources, "b-secrets.yaml"));
  await sidecar.logged("Component removed: secrets");
  write(sidecar, "c-store.yaml", component("store", "state.in-memory"));
  await sidecar.logged("Component loaded: store");
  write(sidecar, "d-store.yaml", component("other", "state.in-memory"));
  await sidecar.logged("Component loaded: other");
  expect(await ask()).toBe("one");
});

test("a component that has waited for its secret store since the start opens when the store comes", async () => {
  const file = join(tempFolder("hot-reload"), "secrets.json");
  const sidecar = await startDaprd({
    resources: {
      "store.yaml": component(
        "store",
        "state.sqlite",
        { connectionString: { secret: "path" } },
        { secretStore: "later" },
      ),
    },
  });
  await sidecar.logged('waits for secret store "later"');
  writeFileSync(
    file,
    JSON.stringify({ path: join(sidecar.resources, "s.db") }),
  );
  write(sidecar, "later.yaml", fileStore("later", file));
  await sidecar.logged("Component loaded: store (state.sqlite/v1)");
  expect(await save(sidecar, "store")).toBe(204);
});

test.each([
  [
    "half a component",
    "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: store\nspec:\n  ty\n",
  ],
  [
    "one whose scopes are no list",
    `${component("store", "state.in-memory")}scopes: testapp\n`,
  ],
  [
    "one of more than a megabyte",
    `# ${"x".repeat(2 ** 20)}\n${component("store", "state.in-memory")}`,
  ],
])("when a file becomes %s, what was loaded from it stays", async (_, text) => {
  const sidecar = await startDaprd({
    resources: { "store.yaml": component("store", "state.in-memory") },
  });
  expect(await save(sidecar, "store")).toBe(204);
  write(sidecar, "store.yaml", text);
  await sidecar.logged("store.yaml");
  write(sidecar, "more.yaml", component("more", "state.in-memory"));
  await sidecar.logged("Component loaded: more");
  expect(await read(sidecar, "store")).toBe("1");
});

test("changes are noticed in spite of a file that changes all the time, a circular link, and a recreated folder", async () => {
  const sidecar = await startDaprd();
  symlinkSync("loop", join(sidecar.resources, "loop"));
  const writing = setInterval(
    () => appendFileSync(join(sidecar.resources, "busy.yaml"), "# again\n"),
    20,
  );
  try {
    write(sidecar, "store.yaml", component("store", "state.in-memory"));
    await sidecar.logged("Component loaded: store");
  } finally {
    clearInterval(writing);
  }
  rmSync(sidecar.resources, { recursive: true });
  mkdirSync(sidecar.resources);
  write(sidecar, "other.yaml", component("other", "state.in-memory"));
  await sidecar.logged("Component loaded: other");
});

test("files that change all at once behind a link, as in a cluster's volume, are noticed", async () => {
  const sidecar = await startDaprd();
  const version = (name: string, type: string) => {
    mkdirSync(join(sidecar.resources, name));
    write(sidecar, `${name}/store.yaml`, component(type, "state.in-memory"));
  };
  version("..one", "first");
  symlinkSync("..one", join(sidecar.resources, "..data"));
  symlinkSync("..data/store.yaml", join(sidecar.resources, "store.yaml"));
  await sidecar.logged("Component loaded: first");
  version("..two", "second");
  symlinkSync("..two", join(sidecar.resources, "..data_tmp"));
  renameSync(
    join(sidecar.resources, "..data_tmp"),
    join(sidecar.resources, "..data"),
  );
  await sidecar.logged("Component loaded: second");
});
