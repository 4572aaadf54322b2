/** A secret or a topic that a scope denies to the app is denied on every route and in every spelling. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { component, configuration, fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { rawCall } from "../support/http.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);

const folder = tempFolder("scopes");
const secretsFile = join(folder, "secrets.json");
const canary = "canary-value";
writeFileSync(
  secretsFile,
  JSON.stringify({
    hidden: canary,
    "a/b": canary,
    open: "fine",
    nested: { hidden: canary },
  }),
);

const scoped = (scopes: string): Promise<Daprd> => {
  const file = join(folder, "config.yaml");
  writeFileSync(file, configuration(`  secrets:\n    scopes:\n${scopes}`));
  return startDaprd({
    args: [`--config=${file}`],
    resources: {
      "a.yaml": fileStore("vault", secretsFile),
      "b.yaml": fileStore("other", secretsFile),
    },
  });
};
const get = (sidecar: Daprd, path: string) =>
  sidecar.call("GET", `/v1.0/secrets/${path}`);

const spellings = [
  "hidden",
  "hidden/",
  "%68idden",
  "hid%64en",
  "./hidden",
  "open/../hidden",
  "/hidden",
  "hidden?metadata.namespace=x",
  "hidden?key=open",
  "a%2Fb",
  "a%2fb",
  "nested:hidden",
  "nested%3Ahidden",
  "nested%3ahidden",
];

test.each([
  [
    "a list of denied ones",
    '      - storeName: vault\n        deniedSecrets: ["hidden", "a/b", "nested:hidden"]\n',
    true,
  ],
  [
    "a list of allowed ones",
    '      - storeName: vault\n        allowedSecrets: ["open"]\n',
    true,
  ],
  [
    "allowed ones beside a default and denied ones",
    '      - storeName: vault\n        defaultAccess: allow\n        allowedSecrets: ["open"]\n        deniedSecrets: ["open"]\n',
    true,
  ],
  [
    "a default that denies",
    "      - storeName: vault\n        defaultAccess: deny\n",
    false,
  ],
])("%s", async (_, scopes, mayReadOpen) => {
  const sidecar = await scoped(scopes);
  for (const name of spellings) {
    const reply = await get(sidecar, `vault/${name}`);
    expect([name, reply.status]).toEqual([name, 403]);
    expect(reply.json()).toMatchObject({ errorCode: "ERR_PERMISSION_DENIED" });
  }
  // Other spellings of the name are other names, and none is the secret.
  for (const name of [
    "HIDDEN",
    "Hidden",
    "hidden#open",
    "hidden%20",
    "+hidden",
    "hidden%00",
    "%2568idden",
    "hidden%2F",
    "%EF%BD%88idden",
    "hidden;x=1",
    "vault%2Fhidden",
    "..%2Fvault%2Fhidden",
  ]) {
    const { text, status } = await get(sidecar, `vault/${name}`);
    expect([name, status >= 400, text.includes(canary)]).toEqual([
      name,
      true,
      false,
    ]);
  }
  const open = await get(sidecar, "vault/open");
  expect(open.status).toBe(mayReadOpen ? 200 : 403);
  for (const path of [
    "vault/bulk",
    "vault/bulk/",
    "vault//bulk",
    "vault/./bulk",
  ]) {
    const bulk = await get(sidecar, path);
    expect([path, bulk.status, bulk.json()]).toEqual([
      path,
      200,
      mayReadOpen ? { open: { open: "fine" } } : {},
    ]);
  }
  // The scope holds only for the store that it names.
  expect((await get(sidecar, "other/hidden")).text).toContain(canary);
});

test("another spelling of the store's name is another store", async () => {
  const sidecar = await scoped(
    "      - storeName: vault\n        defaultAccess: deny\n",
  );
  for (const store of [
    "Vault",
    "VAULT",
    "vault%20",
    "vault%00",
    "+vault",
    "vault;x",
    "%2576ault",
    "vault%2F",
  ])
    for (const name of ["hidden", "bulk"]) {
      const reply = await get(sidecar, `${store}/${name}`);
      expect([store, name, reply.status]).toEqual([store, name, 401]);
      expect(reply.text).not.toContain(canary);
    }
  for (const store of ["%76ault", "x/../vault", "/vault"])
    expect((await get(sidecar, `${store}/hidden`)).status).toBe(403);
});

test("neither another method nor an absolute target gets around the scope", async () => {
  const sidecar = await scoped(
    "      - storeName: vault\n        defaultAccess: deny\n",
  );
  for (const method of ["POST", "PUT", "HEAD", "OPTIONS", "PATCH", "get"]) {
    const reply = await rawCall(
      sidecar.port,
      `${method} /v1.0/secrets/vault/hidden HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
    );
    expect(reply.all).not.toContain(canary);
    expect(reply.status).not.toBe(200);
  }
  const absolute = await rawCall(
    sidecar.port,
    "GET http://localhost/v1.0/secrets/vault/hidden HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
  );
  expect(absolute.status).toBe(403);
});

test("components may read secrets that the app may not", async () => {
  const file = join(folder, "deny.yaml");
  writeFileSync(
    file,
    configuration(
      "  secrets:\n    scopes:\n      - storeName: env\n        defaultAccess: deny\n",
    ),
  );
  const sidecar = await startDaprd({
    args: [`--config=${file}`],
    env: { ROOT: folder },
    resources: {
      "a.yaml": component("env", "secretstores.local.env"),
      "b.yaml": component(
        "files",
        "bindings.localstorage",
        { rootPath: { secret: "ROOT" } },
        { secretStore: "env" },
      ),
    },
  });
  expect((await get(sidecar, "env/ROOT")).status).toBe(403);
  const list = await sidecar.call("POST", "/v1.0/bindings/files", {
    body: '{"operation":"list"}',
  });
  expect(list.json()).toContain(secretsFile);
});

test("a name that the system would cut, or compare without case, finds nothing", async () => {
  const file = join(folder, "environment.yaml");
  writeFileSync(
    file,
    configuration(
      '  secrets:\n    scopes:\n      - storeName: env\n        deniedSecrets: ["TOP"]\n',
    ),
  );
  const sidecar = await startDaprd({
    args: [`--config=${file}`],
    env: {
      TOP: canary,
      PARTS: `x=${canary}`,
      APP_API_TOKEN: canary,
      DAPR_API_TOKEN: undefined,
    },
    resources: {
      "a.yaml": component("env", "secretstores.local.env"),
      "b.yaml": component("short", "secretstores.local.env", { prefix: "TO" }),
      "c.yaml": fileStore("vault", secretsFile),
    },
  });
  for (const path of [
    "env/TOP%00",
    "env/TOP%00x",
    "env/%00TOP",
    "env/APP_API_TOKEN%00",
    "short/P%00",
    "vault/hidden%00",
    "vault/%00",
  ]) {
    const reply = await get(sidecar, path);
    expect([path, reply.status, reply.text.includes(canary)]).toEqual([
      path,
      400,
      false,
    ]);
    expect(reply.json()).toMatchObject({ errorCode: "ERR_MALFORMED_REQUEST" });
  }
  for (const path of [
    "env/TOP",
    "env/TOP%3D",
    "env/PARTS%3Dx",
    "env/top",
    "env/TOP+",
    "env/app_api_token",
    "env/toString",
    "env/__proto__",
  ])
    expect((await get(sidecar, path)).text).not.toContain(canary);
  expect((await get(sidecar, "env/PARTS")).json()).toEqual({
    PARTS: `x=${canary}`,
  });
});

test("a topic that a scope denies is denied in every spelling, alone and in a bulk", async () => {
  const sidecar = await startDaprd({
    resources: {
      "a.yaml": component("bus", "pubsub.in-memory", {
        publishingScopes: "testapp=open;other=hidden",
      }),
    },
  });
  const publish = (topic: string) =>
    ["/v1.0/publish/bus", "/v1.0/publish/bulk/bus"].map(async (path) => {
      const body = `[{"entryId":"1","event":1,"contentType":"application/json"}]`;
      return (await sidecar.call("POST", `${path}/${topic}`, { body })).status;
    });
  expect(await Promise.all(publish("open"))).toEqual([204, 204]);
  for (const topic of [
    "hidden",
    "%68idden",
    "open/../hidden",
    "open%2F..%2Fhidden",
    "hidden?metadata.topic=open",
    "open%00",
    "open%20",
    "open+",
    "OPEN",
    "open,hidden",
    "open=",
    "open/a",
    "constructor",
  ])
    expect([topic, ...(await Promise.all(publish(topic)))]).toEqual([
      topic,
      403,
      403,
    ]);
});
