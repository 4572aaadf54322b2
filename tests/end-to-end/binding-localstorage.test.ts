/** bindings.localstorage in a running sidecar (docs/protocol/bindings.md), confined to its root. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(stopAll);

const folder = realpathSync(tempFolder("localstorage"));
let made = 0;

async function open(
  rootPath = join(folder, `root-${++made}`),
  args: string[] = [],
) {
  const sidecar = await startDaprd({
    args,
    resources: {
      "a.yaml": component("files", "bindings.localstorage", { rootPath }),
    },
  });
  const invoke = (operation: string, fileName?: string, data?: unknown) =>
    sidecar.call("POST", "/v1.0/bindings/files", {
      body: JSON.stringify({
        operation,
        data,
        metadata: fileName === undefined ? undefined : { fileName },
      }),
    });
  return { root: rootPath, sidecar, invoke };
}

test("files can be created, read, listed and deleted", async () => {
  const { root, invoke } = await open();
  expect((await invoke("list")).text).toBe("null");
  const created = await invoke("create", "a/b.txt", "hello world");
  expect(created).toMatchObject({
    status: 200,
    text: '{"fileName":"a/b.txt"}',
  });
  expect(readFileSync(join(root, "a/b.txt"), "utf8")).toBe("hello world");
  expect((await invoke("get", "a/b.txt")).text).toBe("hello world");
  await invoke("create", "/absolute.txt", "below the root all the same");
  await invoke("create", "Z.txt", "z");
  expect((await invoke("list")).json()).toEqual(
    ["Z.txt", "a/b.txt", "absolute.txt"].map((name) => join(root, name)),
  );
  expect((await invoke("list", "a")).json()).toEqual([join(root, "a/b.txt")]);
  expect((await invoke("delete", "a/b.txt")).status).toBe(204);
  expect(existsSync(join(root, "a/b.txt"))).toBe(false);
  expect((await invoke("delete", "a")).status).toBe(204);
  await invoke("create", "Z.txt", "shorter");
  await invoke("create", "Z.txt", "s");
  expect((await invoke("get", "Z.txt")).text).toBe("s");
});

test("a file without a name gets a new one", async () => {
  const { root, invoke } = await open();
  const { fileName } = (await invoke("create", undefined, "x!")).json() as {
    fileName: string;
  };
  expect(fileName).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(readdirSync(root)).toEqual([fileName]);
});

test.each([
  ["a text", "plain text", "plain text"],
  ["quotes and lines", 'say "hé"\n', 'say "hé"\n'],
  [
    "Base64",
    Buffer.from([0, 1, 255]).toString("base64"),
    Buffer.from([0, 1, 255]),
  ],
  ["Base64 in lines", "AAH/\r\nAAH/", Buffer.from([0, 1, 255, 0, 1, 255])],
  ["a text that happens to be Base64", "abcd", Buffer.from([0x69, 0xb7, 0x1d])],
  ["almost Base64", "abcde", "abcde"],
  ["an object", { b: 1, a: [true] }, '{"a":[true],"b":1}'],
  ["a number", 12345, "12345"],
  ["a number that looks like Base64", 1234567890123456, "1234567890123456"],
  ["a truth value that looks like Base64", true, "true"],
  ["nothing", undefined, ""],
  ["an empty text", "", ""],
])("create writes %s", async (_, data, bytes) => {
  const { root, invoke } = await open();
  await invoke("create", "f", data);
  expect(readFileSync(join(root, "f"))).toEqual(Buffer.from(bytes));
});

test("errors name the file", async () => {
  const { root, invoke } = await open();
  await invoke("create", "d/f", "x");
  const said = async (operation: string, name?: string) => {
    const reply = await invoke(operation, name);
    expect(reply.status).toBe(500);
    return (reply.json() as { message: string }).message.replace(
      "error invoking output binding files: ",
      "",
    );
  };
  expect(await said("get", "none")).toBe(`file not found: ${root}/none`);
  expect(await said("get", "d")).toBe(`not a file: ${root}/d`);
  expect(await said("get")).toContain("names no file: give fileName");
  expect(await said("delete")).toContain("names no file: give fileName");
  expect(await said("delete", "none")).toBe('there is no "none" (ENOENT)');
  expect(await said("list", "none")).toBe('there is no "none" (ENOENT)');
  expect(await said("delete", "d")).toBe(
    'the folder "d" is not empty; delete what is in it first (ENOTEMPTY)',
  );
  expect(await said("list", "d/f")).toBe(
    `unable to list files as the file specified is not a directory: ${root}/d/f`,
  );
  for (const operation of ["create", "get", "list", "delete"]) {
    expect(await said(operation, "d/f/g")).toBe(
      'fileName "d/f/g" leads through a file: what stands before a / must be a folder (ENOTDIR)',
    );
    expect(await said(operation, "n".repeat(256))).toBe(
      `fileName "${"n".repeat(100)}…" is too long for the file system; most take 255 bytes between two / (ENAMETOOLONG)`,
    );
  }
});

const names = [
  "../outside/secret",
  "a/../../outside/secret",
  "/../outside/secret",
  "./../outside/secret",
  "..",
  "a/..",
  "..\\outside\\secret",
  "secret\0.txt",
  "\0",
  "out/secret",
  "out",
  "link-to-secret",
  "link-to-nowhere",
  "in-between/secret",
];

test("no name and no link leads out of the root, with any operation", async () => {
  const root = join(folder, `root-${++made}`);
  const outside = join(folder, "outside");
  mkdirSync(root);
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, "secret"), "canary");
  symlinkSync(outside, join(root, "out"));
  symlinkSync("../outside", join(root, "in-between"));
  symlinkSync(join(outside, "secret"), join(root, "link-to-secret"));
  symlinkSync(join(outside, "new"), join(root, "link-to-nowhere"));
  const { invoke } = await open(root);
  for (const name of names)
    for (const operation of ["create", "get", "list", "delete"]) {
      const reply = await invoke(operation, name, "evil!");
      expect([name, operation, reply.status]).toEqual([name, operation, 500]);
      expect(reply.text).not.toContain("canary");
    }
  expect(readdirSync(outside)).toEqual(["secret"]);
  expect(readFileSync(join(outside, "secret"), "utf8")).toBe("canary");
  expect((await invoke("list")).json()).toEqual(
    ["in-between", "link-to-nowhere", "link-to-secret", "out"].map((name) =>
      join(root, name),
    ),
  );
});

test("links within the root are followed", async () => {
  const root = join(folder, `root-${++made}`);
  mkdirSync(join(root, "real"), { recursive: true });
  symlinkSync("real", join(root, "alias"));
  const { invoke } = await open(root);
  expect((await invoke("create", "alias/f", "x!")).json()).toEqual({
    fileName: "real/f",
  });
  expect((await invoke("get", "alias/f")).text).toBe("x!");
});

(process.platform === "win32" ? test.skip : test)(
  "a pipe is refused and does not hold up other requests",
  async () => {
    const { root, invoke } = await open();
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect((await invoke("get", "pipe")).text).toContain("not a file");
    expect((await invoke("create", "pipe", "x")).status).toBe(500);
  },
);

test("the root may be a link, a relative path, or a folder that does not exist yet", async () => {
  mkdirSync(join(folder, "target"), { recursive: true });
  symlinkSync(join(folder, "target"), join(folder, "by-link"));
  const linked = await open(join(folder, "by-link/deeper"));
  await linked.invoke("create", "f", "x!");
  expect(readFileSync(join(folder, "target/deeper/f"), "utf8")).toBe("x!");
});

test.each([
  ["", /: property rootPath must not be empty \(/],
  [
    "/proc/self",
    /property rootPath points to a disallowed location \(.*a\.yaml:10:\d+\)$/,
  ],
  ["/proc", /points to a disallowed location/],
  ["/sys/x", /points to a disallowed location/],
  ["/boot", /points to a disallowed location/],
  ["/var/run/secrets/kubernetes.io", /points to a disallowed location/],
  ["/run/secrets", /points to a disallowed location/],
  [join(folder, "to-proc"), /points to a disallowed location/],
  [join(folder, "file"), /represents a file and not a directory/],
])("rootPath %j ends the start", async (rootPath, message) => {
  if (!existsSync(join(folder, "file"))) {
    writeFileSync(join(folder, "file"), "");
    symlinkSync("/proc", join(folder, "to-proc"));
  }
  const sidecar = await startDaprd({
    until: "nothing",
    resources: {
      "a.yaml": component("files", "bindings.localstorage", { rootPath }),
    },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toMatch(message);
});

test("a large file is written completely, and if that fails the old file stays", async () => {
  const { root, sidecar, invoke } = await open(undefined, [
    "--max-body-size=64Mi",
  ]);
  await invoke("create", "doc", "precious");
  const large = "ab+/".repeat(8_000_000);
  expect((await invoke("create", "doc", large)).status).toBe(200);
  expect(readFileSync(join(root, "doc"))).toHaveLength(24_000_000);
  // The API allows a name of this length, but the file system does not.
  const refused = await invoke("create", `${"n".repeat(300)}`, "x");
  expect(refused.status).toBe(500);
  expect(readdirSync(root)).toEqual(["doc"]);
  expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
    204,
  );
});
