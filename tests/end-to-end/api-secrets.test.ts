/** Secrets over the API (docs/protocol/secrets.md) and secretKeyRef in components. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration, fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type DaprdOptions } from "../support/daprd.ts";
import { startApp, closeApps } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);
afterEach(closeApps);

const folder = tempFolder("daprd-secrets");
let written = 0;
const write = (text: string): string => {
  const file = join(folder, `${++written}.json`);
  writeFileSync(file, text);
  return file;
};
const secretsFile = write(
  JSON.stringify({
    plain: "<a> & 'b'",
    empty: "",
    nested: { inner: "n" },
    "with/slash": "s",
    bulk: "hard to reach",
    port: 1234,
  }),
);

test("get and bulk answer the secrets as JSON", async () => {
  const sidecar = await startDaprd({
    env: { SECRET_ONE: "1", PATH: process.env["PATH"] },
    resources: {
      "file.yaml": fileStore("file", secretsFile),
      "multi.yaml": fileStore("multi", secretsFile, { multiValued: "true" }),
      "env.yaml": component("env", "secretstores.local.env", {
        prefix: "SECRET_",
      }),
    },
  });
  const get = (path: string) => sidecar.call("GET", `/v1.0/secrets/${path}`);
  const plain = await get("file/plain");
  expect(plain).toMatchObject({
    status: 200,
    text: '{"plain":"\\u003ca\\u003e \\u0026 \'b\'"}\n',
  });
  expect(plain.headers["content-type"]).toBe("application/json");
  expect((await get("file/nested:inner")).json()).toEqual({
    "nested:inner": "n",
  });
  expect((await get("file/nested%3Ainner?metadata.version_id=3")).status).toBe(
    200,
  );
  expect((await get("file/with%2Fslash")).json()).toEqual({
    "with/slash": "s",
  });
  expect((await get("multi/nested")).json()).toEqual({ inner: "n" });
  expect((await get("env/ONE")).json()).toEqual({ ONE: "1" });
  expect((await get("env/TWO")).json()).toEqual({ TWO: "" });
  expect((await get("env/bulk")).json()).toEqual({ ONE: { ONE: "1" } });
  expect((await get("multi/bulk")).json()).toEqual({
    plain: { plain: "<a> & 'b'" },
    empty: { empty: "" },
    nested: { inner: "n" },
    "with/slash": { "with/slash": "s" },
    bulk: { bulk: "hard to reach" },
  });
  const metadata = (await sidecar.call("GET", "/v1.0/metadata")).json() as {
    components: { name: string; capabilities: string[] }[];
  };
  expect(metadata.components).toContainEqual({
    name: "multi",
    type: "secretstores.local.file",
    version: "v1",
    capabilities: ["MULTIPLE_KEY_VALUES_PER_SECRET"],
  });
});

test("every error has its status, code and text", async () => {
  const none = await startDaprd();
  const sidecar = await startDaprd({
    args: [
      `--config=${write(configuration('  secrets:\n    scopes:\n      - storeName: file\n        deniedSecrets: ["plain"]\n'))}`,
    ],
    resources: { "file.yaml": fileStore("file", secretsFile) },
  });
  const asked = async (where: typeof sidecar, path: string) => {
    const { status, json } = await where.call("GET", `/v1.0/secrets/${path}`);
    return [status, json()];
  };
  for (const path of ["file/plain", "file/bulk"])
    expect(await asked(none, path)).toEqual([
      500,
      {
        errorCode: "ERR_SECRET_STORES_NOT_CONFIGURED",
        message: "secret store is not configured",
      },
    ]);
  for (const path of ["other/plain", "other/bulk"])
    expect(await asked(sidecar, path)).toEqual([
      401,
      {
        errorCode: "ERR_SECRET_STORE_NOT_FOUND",
        message: "failed finding secret store with key other",
      },
    ]);
  expect(await asked(sidecar, "file/plain")).toEqual([
    403,
    {
      errorCode: "ERR_PERMISSION_DENIED",
      message: 'access denied by policy to get "plain" from "file"',
    },
  ]);
  expect(await asked(sidecar, "file/none")).toEqual([
    500,
    {
      errorCode: "ERR_SECRET_GET",
      message:
        "failed getting secret with key none from secret store file: secret none not found",
    },
  ]);
});

/** The path that a component calls shows which value it got. */
async function calledWith(
  makeResources: (url: string) => Record<string, string>,
  options: Omit<DaprdOptions, "resources"> = {},
) {
  const app = await startApp();
  const sidecar = await startDaprd({
    ...options,
    resources: makeResources(`http://127.0.0.1:${app.port}`),
  });
  const reply = await sidecar.call("POST", "/v1.0/bindings/caller", {
    body: '{"operation":"get"}',
  });
  return { app, sidecar, reply };
}

const caller = (
  metadata: Parameters<typeof component>[2],
  secretStore?: string,
) => component("caller", "bindings.http", metadata, { secretStore });

test.each([
  ["auth.secretStore", "auth:\n  secretStore: vault\n"],
  ["auth.secretstore", "AUTH:\n  secretstore: vault\n"],
])(
  "a component gets its secret from a store that is listed later (%s)",
  async (_, tail) => {
    const { app, reply } = await calledWith((url) => ({
      "a.yaml": component(
        "caller",
        "bindings.http",
        {
          url: { secret: "target", key: "address" },
          securityToken: { secret: "token" },
          securityTokenHeader: "x-token",
        },
        { tail },
      ),
      "z.yaml": fileStore(
        "vault",
        write(JSON.stringify({ target: { address: url }, token: "t-1" })),
        { multiValued: "true" },
      ),
    }));
    expect(reply.status).toBe(200);
    expect(app.requests[0]!.headers["x-token"]).toBe("t-1");
  },
);

test("a store may need another store's secret, whatever their order", async () => {
  const inner = write("{}");
  const { app } = await calledWith(
    (url) => {
      writeFileSync(inner, JSON.stringify({ target: url }));
      return {
        "a.yaml": caller({ url: { secret: "target" } }, "inner"),
        "b.yaml": component(
          "inner",
          "secretstores.local.file",
          { secretsFile: { secret: "VAULT_FILE" } },
          { secretStore: "outer" },
        ),
        "c.yaml": component("outer", "secretstores.local.env"),
      };
    },
    { env: { VAULT_FILE: inner } },
  );
  expect(app.requests).toHaveLength(1);
});

test("a secret wins over a value beside it, and templates are filled in last", async () => {
  const { app } = await calledWith(
    (url) => ({
      "a.yaml": caller(
        {
          url: { secret: "target" },
          securityToken: { secret: "token" },
          securityTokenHeader: "x-token",
        },
        "vault",
      ).replace(
        "    - name: url\n",
        "    - name: url\n      value: http://127.0.0.1:9/\n",
      ),
      "z.yaml": fileStore(
        "vault",
        write(
          JSON.stringify({
            target: `${url}/{appID}/{namespace}`,
            token: "{uuid} {podName}",
          }),
        ),
      ),
    }),
    { env: { NAMESPACE: "prod", POD_NAME: "pod-7" } },
  );
  expect(app.requests[0]!.path).toBe("/testapp/prod.testapp");
  expect(app.requests[0]!.headers["x-token"]).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} pod-7$/,
  );
});

test("{podName} without a pod ends the start, and the error names the item", async () => {
  const sidecar = await startDaprd({
    until: "nothing",
    resources: { "a.yaml": caller({ url: "http://{podName}" }) },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toMatch(
    /process component caller error: failed to parse metadata: property \{podName\} of "url" cannot be used: .*a\.yaml:10:\d+\)$/,
  );
});

test("stores that need each other are parked, and so are components that need them", async () => {
  const sidecar = await startDaprd({
    resources: {
      "a.yaml": component(
        "one",
        "secretstores.local.file",
        { secretsFile: { secret: "x" } },
        { secretStore: "two" },
      ),
      "b.yaml": component(
        "two",
        "secretstores.local.file",
        { secretsFile: { secret: "x" } },
        { secretStore: "one" },
      ),
      "c.yaml": caller({ url: { secret: "x" } }, "one"),
      "d.yaml": component(
        "self",
        "secretstores.local.env",
        { prefix: { secret: "x" } },
        { secretStore: "self" },
      ),
    },
  });
  for (const line of [
    'component one (secretstores.local.file/v1) waits for secret store "two", which is not loaded',
    'component two (secretstores.local.file/v1) waits for secret store "one", which is not loaded',
    'component caller (bindings.http/v1) waits for secret store "one", which is not loaded',
    'component self (secretstores.local.env/v1) waits for secret store "self", which is not loaded',
  ])
    expect(sidecar.messages()).toContain(line);
  const metadata = (await sidecar.call("GET", "/v1.0/metadata")).json();
  expect(metadata).not.toHaveProperty("components");
});

test.each([
  [
    "no such secret",
    { secret: "absent" },
    "vault",
    /secret "absent" could not be read from store "vault": secret absent not found/,
  ],
  [
    "no such key",
    { secret: "plain", key: "k" },
    "vault",
    /secret "plain" of store "vault" has no key "k"/,
  ],
  [
    "an empty secret",
    { secret: "empty" },
    "vault",
    /key "empty" of secret "empty" in store "vault" is empty/,
  ],
  [
    "no store named",
    { secret: "plain" },
    undefined,
    /refers to secret "plain", but auth\.secretStore names no store/,
  ],
])(
  "%s leaves the item empty with a warning, and the init error says why",
  async (_, url, store, why) => {
    const sidecar = await startDaprd({
      until: "nothing",
      resources: {
        "a.yaml": caller({ url }, store),
        "b.yaml": fileStore("vault", secretsFile),
      },
    });
    expect((await sidecar.exited).code).toBe(1);
    const warning = sidecar
      .output()
      .split("\n")
      .filter((line) => line.includes("level=warning"))
      .join("\n")
      .replaceAll('\\"', '"');
    expect(warning).toMatch(why);
    const fatal = sidecar.messages().at(-1)!;
    expect(fatal).toMatch(
      /\[INIT_COMPONENT_FAILURE\]: .* missing 'url' attribute \(.*a\.yaml:\d+:\d+\); a secret is missing: metadata "url" \(.*a\.yaml:\d+:\d+\): /,
    );
    expect(fatal).toMatch(why);
  },
);

test("a component that does not need the secret starts without it", async () => {
  const { app, sidecar, reply } = await calledWith((url) => ({
    "a.yaml": caller(
      {
        url,
        securityToken: { secret: "absent" },
        securityTokenHeader: "x-token",
      },
      "vault",
    ),
    "b.yaml": fileStore("vault", secretsFile),
  }));
  expect(reply.status).toBe(200);
  expect(app.requests[0]!.headers).not.toHaveProperty("x-token");
  expect(sidecar.output()).toContain("secret absent not found");
});

test("a store that cannot be opened ends the start; with ignoreErrors, components that need it are parked until it opens", async () => {
  const broken = write('{"a": "canary"');
  const sidecar = await startDaprd({
    until: "nothing",
    resources: { "a.yaml": fileStore("vault", broken) },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toMatch(
    /occurred for vault \(secretstores\.local\.file\/v1\): secretsFile: .*json:1:15: a comma or } expected, but the file ends here \(.*a\.yaml:10:\d+\)$/,
  );
  const going = await startDaprd({
    resources: {
      "a.yaml": fileStore("vault", broken).replace(
        "  version: v1\n",
        "  version: v1\n  ignoreErrors: true\n",
      ),
      "b.yaml": caller({ url: { secret: "a" } }, "vault"),
    },
  });
  expect(going.messages()).toContain(
    'component caller (bindings.http/v1) waits for secret store "vault", which is not loaded',
  );
  // No resource changes: the store is tried again.
  writeFileSync(broken, '{"a": "http://127.0.0.1:9"}');
  await going.logged("Component loaded: vault (secretstores.local.file/v1)");
  await going.logged("Component loaded: caller (bindings.http/v1)");
});

test("the error of the kubernetes store outside a cluster says what is missing", async () => {
  mkdirSync(join(folder, "home"), { recursive: true });
  const sidecar = await startDaprd({
    until: "nothing",
    env: { HOME: join(folder, "home"), KUBECONFIG: undefined },
    resources: { "a.yaml": component("k8s", "secretstores.kubernetes") },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toContain(
    "no Kubernetes cluster is known: this is no pod with a service account, and there is no kubeconfig; set kubeconfigPath",
  );
});
