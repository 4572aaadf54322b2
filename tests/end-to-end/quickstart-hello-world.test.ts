/**
 * The commands of Dapr's own quickstart "hello-world", typed as they are there after `dapr init`, and the lines that its README
 * expects. Only ports and app IDs differ, since other tests run at the same time.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { cli, withoutSidecarLog } from "./cli-process.ts";

const dir = tempFolder("hello-world");
const env = { DAPR_RUNTIME_PATH: tempFolder("hello-world-home") };
const [node, caller] = ["nodeapp", "pythonapp"].map(
  (name) => `${name}-${process.pid}`,
) as [string, string];

/** Keeps the order's ID in `statestore`, by the port in its environment. */
const app = `
const { createServer } = require("node:http");
const stateUrl = "http://localhost:" + process.env.DAPR_HTTP_PORT + "/v1.0/state/statestore";
createServer(async (req, res) => {
  if (req.url === "/order")
    return res.end(await (await fetch(stateUrl + "/order")).text());
  if (req.url !== "/neworder") return res.writeHead(404).end();
  let body = "";
  for await (const chunk of req) body += chunk;
  const { data } = JSON.parse(body);
  console.log("Got a new order! Order ID: " + data.orderId);
  const answer = await fetch(stateUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify([{ key: "order", value: data }]),
  });
  console.log(answer.ok ? "Successfully persisted state." : "Failed to persist state.");
  res.end();
}).listen(process.env.APP_PORT);
`;

/** Calls the other app by the header, an order after the other. */
const callerApp = `
(async () => {
  for (let n = 1; n <= 5; n++)
    await fetch("http://localhost:" + process.env.DAPR_HTTP_PORT + "/neworder", {
      method: "POST",
      headers: { "Content-Type": "application/json", "dapr-app-id": ${JSON.stringify(node)} },
      body: JSON.stringify({ data: { orderId: n } }),
    });
  setInterval(() => {}, 1 << 30);
})();
`;

const typed = (...args: string[]) => cli(args, { cwd: dir, env });

async function dapr(...args: string[]) {
  const run = typed(...args);
  return { code: await run.exit, out: run.out, err: run.err };
}

const ends = [
  "✅  Exited Dapr successfully",
  "✅  Exited App successfully",
  "",
];

test("hello-world", async () => {
  const [appPort, httpPort] = (await freePorts(2)).map(String) as [
    string,
    string,
  ];
  for (const [name, text] of Object.entries({
    "app.js": app,
    "caller.js": callerApp,
    "sample.json": '{"data":{"orderId":"42"}}',
  }))
    writeFileSync(join(dir, name), text);

  expect((await dapr("init")).code).toBe(0);
  const run = typed(
    "run",
    "--app-id",
    node,
    "--app-port",
    appPort,
    "--dapr-http-port",
    httpPort,
    process.execPath,
    "app.js",
  );
  await run.prints(
    "✅  You're up and running! Both Dapr and your app logs will appear here.",
  );
  const invoked = await dapr(
    "invoke",
    "--app-id",
    node,
    "--method",
    "neworder",
    "--data-file",
    "sample.json",
  );
  expect(invoked).toEqual({
    code: 0,
    out: "✅  App invoked successfully\n",
    err: "",
  });
  await run.prints(
    "== APP == Got a new order! Order ID: 42\n== APP == Successfully persisted state.\n",
  );
  const url = `http://localhost:${httpPort}/v1.0/invoke/${node}/method`;
  const body = '{"data":{"orderId":"42"}}';
  const posted = await fetch(`${url}/neworder`, { method: "POST", body });
  expect(posted.status).toBe(200);
  expect(await (await fetch(`${url}/order`)).text()).toBe('{"orderId":"42"}');
  expect(
    (
      await dapr(
        "invoke",
        "--app-id",
        node,
        "--method",
        "order",
        "--verb",
        "GET",
      )
    ).out,
  ).toBe('{"orderId":"42"}\n✅  App invoked successfully\n');

  const calling = typed(
    "run",
    "--app-id",
    caller,
    process.execPath,
    "caller.js",
  );
  for (const n of [1, 2, 3, 4, 5])
    await run.prints(
      `== APP == Got a new order! Order ID: ${n}\n== APP == Successfully persisted state.\n`,
    );
  for (const [id, one] of [
    [node, run],
    [caller, calling],
  ] as const) {
    expect(await dapr("stop", "--app-id", id)).toEqual({
      code: 0,
      out: `✅  app stopped successfully: ${id}\n`,
      err: "",
    });
    expect(await one.exit).toBe(0);
    expect(withoutSidecarLog(one.out).slice(-3)).toEqual(ends);
  }
  // Without --all, which would remove containers of this machine.
  expect((await dapr("uninstall")).code).toBe(0);
});
