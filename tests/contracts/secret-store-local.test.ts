/** secretstores.local.file and secretstores.local.env. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { secretStores } from "../../runtime/components/index.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { openBuiltIn, type OpenOptions } from "./open-component.ts";
import { secretStoreContract, values } from "./secret-store-contract.ts";

const folder = tempFolder("secrets");
let files = 0;
const fileOf = (content: unknown): string => {
  const file = join(folder, `${++files}.json`);
  writeFileSync(
    file,
    typeof content === "string" ? content : JSON.stringify(content),
  );
  return file;
};
const openFile = (content: unknown, metadata = {}, log: string[] = []) =>
  openBuiltIn(secretStores, "secretstores.local.file", {
    metadata: { secretsFile: fileOf(content), ...metadata },
    log,
  });
const openEnv = (options: Partial<OpenOptions>) =>
  openBuiltIn(secretStores, "secretstores.local.env", {
    metadata: {},
    ...options,
  });

secretStoreContract("secretstores.local.file", async () => ({
  metadata: { secretsFile: fileOf({ one: values[0], two: values[1] }) },
  names: ["one", "two"],
}));

secretStoreContract(
  "secretstores.local.env",
  async () => ({
    metadata: {},
    env: { ONE: values[0], two: values[1], DAPR_API_TOKEN: "hidden" },
    names: ["ONE", "two"],
  }),
  { unknownIsEmpty: true },
);

describe("secretstores.local.file", () => {
  const nested = {
    redis: { password: "p", hosts: ["h0", { name: "h1" }] },
    flag: true,
    port: 6379,
    ratio: 1.5,
    nothing: null,
    empty: {},
  };

  test("nested values are secrets named by their path, and numbers and truth values are texts", async () => {
    const store = await openFile(nested);
    expect(store.features).toEqual([]);
    expect(await store.bulk({})).toEqual({
      "redis:password": { "redis:password": "p" },
      "redis:hosts:0": { "redis:hosts:0": "h0" },
      "redis:hosts:1:name": { "redis:hosts:1:name": "h1" },
      flag: { flag: "true" },
      port: { port: "6379" },
      ratio: { ratio: "1.5" },
      nothing: { nothing: "" },
    });
    await expect(store.get("redis", {})).rejects.toThrow(
      "secret redis not found",
    );
  });

  test("nestedSeparator joins the names", async () => {
    const store = await openFile(nested, { nestedSeparator: "." });
    expect(await store.get("redis.hosts.0", {})).toEqual({
      "redis.hosts.0": "h0",
    });
  });

  test("multiValued: an object at the top is one secret of several keys", async () => {
    const log: string[] = [];
    const store = await openFile(
      { plain: "x", ...nested },
      { multiValued: "true" },
      log,
    );
    expect(store.features).toEqual(["MULTIPLE_KEY_VALUES_PER_SECRET"]);
    expect(await store.bulk({})).toEqual({
      plain: { plain: "x" },
      redis: { password: "p", "hosts:0": "h0", "hosts:1:name": "h1" },
      empty: {},
    });
    expect(log.join()).toContain("left out: flag, port, ratio, nothing");
  });

  test.each([
    ["an unclosed text", '{"a": "canary\n}', /json:1:7: a value expected, but/],
    [
      "a missing comma",
      '{"a": "canary"\n "b": 1}',
      /json:2:2: a comma or } ex/,
    ],
    ["a list", '["canary"]', /must hold a JSON object of secrets/],
    ["a text", '"canary"', /must hold a JSON object of secrets/],
    ["an empty file", "", /json:1:1: a value expected, but the file ends here/],
    [
      "two paths with one name",
      { "a:b": "canary", a: { b: "canary" } },
      /two secrets "a:b" once nested names are joined with ":"/,
    ],
  ])(
    "%s is an error that names the place and does not quote the file",
    async (_, content, message) => {
      const error = await openFile(content).then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      expect(error?.message).toMatch(message);
      expect(error?.message).not.toContain("canary");
    },
  );

  test("the error about a missing file names its full path", async () => {
    await expect(
      openBuiltIn(secretStores, "secretstores.local.file", {
        metadata: { secretsFile: "no-such.json" },
      }),
    ).rejects.toThrow(
      `secretsFile: ${join(process.cwd(), "no-such.json")} can't be read: there is no such file; a relative path starts at the working directory`,
    );
    await expect(
      openBuiltIn(secretStores, "secretstores.local.file", {
        metadata: { secretsFile: folder },
      }),
    ).rejects.toThrow("can't be read: it is a folder, not a file");
  });

  test("without secretsFile the error says so, and names the misspelt key", async () => {
    await expect(
      openBuiltIn(secretStores, "secretstores.local.file", {
        metadata: { secretFile: "x" },
      }),
    ).rejects.toThrow(
      "missing local secrets file in metadata (did you mean 'secretsFile' where it says 'secretFile'?)",
    );
  });

  test("the file is read once", async () => {
    const file = fileOf({ a: "before" });
    const store = await openBuiltIn(secretStores, "secretstores.local.file", {
      metadata: { secretsFile: file },
    });
    writeFileSync(file, '{"a":"after"}');
    expect(await store.get("a", {})).toEqual({ a: "before" });
  });

  test("names such as __proto__ are ordinary names", async () => {
    const store = await openFile('{"__proto__":"a","constructor":"b"}');
    const all = (await store.bulk({}))!;
    expect(Object.keys(all)).toEqual(["__proto__", "constructor"]);
    expect(Object.values(all["__proto__"]!)).toEqual(["a"]);
  });
});

describe("secretstores.local.env", () => {
  test("prefix is put before the name that is asked for, and bulk leaves it out", async () => {
    const store = await openEnv({
      metadata: { prefix: "MY_" },
      env: { MY_A: "1", A: "2", MY_: "3", my_b: "4" },
    });
    expect(await store.get("A", {})).toEqual({ A: "1" });
    expect(await store.bulk({})).toEqual({ A: { A: "1" } });
  });

  test.each([
    ["", "APP_API_TOKEN"],
    ["", "app_api_token"],
    ["", "DAPR_API_TOKEN"],
    ["", "dapr_x"],
    ["APP_", "API_TOKEN"],
    ["DA", "PR_API_TOKEN"],
  ])("prefix %j and name %j do not reveal a token", async (prefix, name) => {
    const log: string[] = [];
    const env = { [prefix + name]: "canary" };
    const store = await openEnv({ metadata: { prefix }, env, log });
    expect(await store.get(name, {})).toEqual({ [name]: "" });
    expect(await store.bulk({})).toEqual({});
    expect(log).toEqual([
      `warning environment variable "${prefix + name}" is never given as a secret`,
    ]);
  });
});
