/** The shipped `dapr invoke`, with an app that `dapr run` started. */
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { cli, freePort, workspace, type CliRun } from "./cli-process.ts";

const { dir, remove } = workspace();
const id = `cli-invoke-${process.pid}`;
let run: CliRun;

/** An app that answers with the request's line, content type and body, and /status/N with the status N. */
const echo = `
const { createServer } = require("node:http");
createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const [, status] = /^\\/status\\/(\\d+)/.exec(request.url) ?? [];
    response.statusCode = Number(status ?? 200);
    if (request.url === "/silent") return response.end();
    response.end(JSON.stringify({
      line: request.method + " " + request.url, type: request.headers["content-type"], body,
    }));
  });
}).listen(process.env.APP_PORT, "127.0.0.1", () => console.log("echo listens"));
process.on("SIGTERM", () => process.exit(0));
`;

beforeAll(async () => {
  writeFileSync(join(dir, "echo.js"), echo);
  writeFileSync(join(dir, "sample.json"), '{"data":{"orderId":42}}\n');
  run = cli(
    [
      "run",
      "--app-id",
      id,
      "--app-port",
      `${await freePort()}`,
      "--resources-path",
      "resources",
      "--",
      process.execPath,
      "echo.js",
    ],
    { cwd: dir },
  );
  await run.prints("You're up and running!");
  await run.prints("== APP == echo listens");
});

afterAll(async () => {
  run.signal("SIGTERM");
  await run.exit;
  remove();
});

async function invoke(...args: string[]) {
  const it = cli(["invoke", "--app-id", id, ...args], { cwd: dir });
  return { code: await it.exit, out: it.out, err: it.err };
}

const invoked = (line: string, body = "") => ({
  code: 0,
  out: `${JSON.stringify({ line, type: "application/json", body })}\n✅  App invoked successfully\n`,
  err: "",
});

test.each([
  [["--method", "neworder"], invoked("POST /neworder")],
  [["-m", "a", "-d", '{"b":"ü"}'], invoked("POST /a", '{"b":"ü"}')],
  [
    ["-m", "a", "--data-file", "sample.json"],
    invoked("POST /a", '{"data":{"orderId":42}}\n'),
  ],
  [["-m", "order?full=1", "--verb", "GET"], invoked("GET /order?full=1")],
  [["-m", "ü b%20c", "-v", "put"], invoked("PUT /%C3%BC%20b%20c")],
])("%j prints the app's answer", async (args, expected) => {
  expect(await invoke(...args)).toEqual(expected);
});

test("an answer without a body and a redirect count as success", async () => {
  const success = { code: 0, out: "✅  App invoked successfully\n", err: "" };
  expect(await invoke("-m", "silent")).toEqual(success);
  expect(await invoke("-m", "status/204")).toEqual(success);
  expect((await invoke("-m", "status/304")).code).toBe(0);
});

test("a status outside 200 to 399 is an error that shows the JSON answer", async () => {
  const { code, out, err } = await invoke("-m", "status/404");
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toBe(
    `❌  error invoking app ${id}: 404 Not Found (POST /status/404)\n    {"line":"POST /status/404","type":"application/json","body":""}\n`,
  );
});

test("the error about an app that does not run says what to do", async () => {
  const { code, out, err } = await invoke("--app-id", "nobody", "-m", "x");
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(
    /^❌ {2}error invoking app nobody: app ID nobody not found\n {4}See what runs with `dapr list`/,
  );
});

test.each([
  [
    ["-m", "a", "-d", "{}", "-f", "sample.json"],
    "Only one of --data and --data-file allowed in the same invoke command",
  ],
  [
    ["-m", "a", "-f", "nofile"],
    `Error reading payload from 'nofile'. Error: ENOENT: no such file or directory, open '${join(dir, "nofile")}'`,
  ],
  [
    ["-m", "a", "-u", join(dir, "nowhere")],
    `error invoking app ${id}: connect ENOENT ${join(dir, "nowhere", `dapr-${id}-http.socket`)} (POST /a)`,
  ],
])("%j is refused with one line", async (args, message) => {
  expect(await invoke(...args)).toEqual({
    code: 1,
    out: "",
    err: `❌  ${message}\n`,
  });
});

test("the error about a missing flag shows the usage", async () => {
  const it = cli(["invoke"], { cwd: dir });
  expect(await it.exit).toBe(255);
  expect(it.out).toBe('required flag(s) "app-id", "method" not set\n');
  expect(it.err).toContain("Usage:\n  dapr invoke [flags]\n");
});

test("dapr run --unix-domain-socket: the sidecar serves files, whatever host is asked for", async () => {
  const folder = join(dir, "sockets");
  mkdirSync(folder);
  const own = `${id}-file`;
  const settings = {
    "--app-id": own,
    "--app-port": String(await freePort()),
    "--resources-path": "resources",
    "--unix-domain-socket": "sockets",
  };
  const served = cli(
    [
      "run",
      ...Object.entries(settings).flat(),
      "--",
      process.execPath,
      "echo.js",
    ],
    { cwd: dir },
  );
  try {
    await served.prints("You're up and running!");
    await served.prints("== APP == echo listens");
    const it = cli(["invoke", "-a", own, "-m", "a", "-u", folder], {
      cwd: dir,
    });
    expect({ code: await it.exit, err: it.err }).toEqual({ code: 0, err: "" });
    expect(it.out).toContain('"line":"POST /a"');
    const socketPath = join(folder, `dapr-${own}-http.socket`);
    const headers = { host: "any-name" };
    const path = "/v1.0/healthz";
    const status = await new Promise((resolve, reject) => {
      request({ socketPath, path, headers, agent: false }, (incoming) => {
        incoming.resume();
        resolve(incoming.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(204);
  } finally {
    served.signal("SIGTERM");
    await served.exit;
  }
});
