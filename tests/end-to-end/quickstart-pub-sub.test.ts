/**
 * The commands of Dapr's own quickstart "pub-sub", typed as they are there after `dapr init`, and the lines that its README
 * expects. Only ports and app IDs differ, since other tests run at the same time.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { cli, type CliRun } from "./cli-process.ts";

const dir = tempFolder("pub-sub");
const env = { DAPR_RUNTIME_PATH: tempFolder("pub-sub-home") };
const idOf = (name: string) => `${name}-${process.pid}`;

/** Asks for the topics that are its arguments, and prints messages as the quickstart's two subscribers do. */
const subscriber = `
const { createServer } = require("node:http");
const [style, ...topics] = process.argv.slice(2);
createServer(async (req, res) => {
  if (req.url === "/dapr/subscribe")
    return res.end(JSON.stringify(topics.map((topic) => ({ pubsubname: "pubsub", topic, route: topic }))));
  if (req.method !== "POST") return res.writeHead(404).end();
  let body = "";
  for await (const chunk of req) body += chunk;
  const { topic, data } = JSON.parse(body);
  if (style === "node") console.log(topic + ": ", data.message);
  else console.log('Received message "' + data.message + '" on topic "' + topic + '"');
  res.end();
}).listen(process.env.APP_PORT);
`;

const started: CliRun[] = [];
afterAll(async () => {
  for (const run of started) run.signal("SIGTERM");
  await Promise.all(started.map(({ exit }) => exit));
});

const typed = (...args: string[]) => {
  const run = cli(args, { cwd: dir, env });
  started.push(run);
  return run;
};

async function dapr(...args: string[]) {
  const run = typed(...args);
  return { code: await run.exit, out: run.out, err: run.err };
}

test("pub-sub", async () => {
  const [nodePort, pythonPort, httpPort] = (await freePorts(3)).map(String) as [
    string,
    string,
    string,
  ];
  writeFileSync(join(dir, "app.js"), subscriber);
  writeFileSync(
    join(dir, "message_a.json"),
    '{"messageType":"A","message":"Message on A"}',
  );
  expect((await dapr("init")).code).toBe(0);
  const up =
    "✅  You're up and running! Both Dapr and your app logs will appear here.";
  const start = async (name: string, port: string, ...command: string[]) => {
    const run = typed(
      "run",
      "--app-id",
      idOf(name),
      "--app-port",
      port,
      process.execPath,
      ...command,
    );
    await run.prints(up);
    return run;
  };
  const node = await start(
    "node-subscriber",
    nodePort,
    "app.js",
    "node",
    "A",
    "B",
  );
  const python = await start(
    "python-subscriber",
    pythonPort,
    "app.js",
    "python",
    "A",
    "C",
  );
  const form = typed(
    "run",
    "--app-id",
    idOf("react-form"),
    "--dapr-http-port",
    httpPort,
  );
  await form.prints("✅  You're up and running! Dapr logs will appear here.");

  expect(
    await dapr(
      "publish",
      "--publish-app-id",
      idOf("react-form"),
      "--pubsub",
      "pubsub",
      "--topic",
      "A",
      "--data-file",
      "message_a.json",
    ),
  ).toEqual({ code: 0, out: "✅  Event published successfully\n", err: "" });
  await node.prints("== APP == A:  Message on A\n");
  await python.prints(
    '== APP == Received message "Message on A" on topic "A"\n',
  );
  for (const topic of ["B", "C"]) {
    const { status } = await fetch(
      `http://localhost:${httpPort}/v1.0/publish/pubsub/${topic}`,
      {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ message: `Message on ${topic}` }),
      },
    );
    expect(status).toBe(204);
  }
  await node.prints("== APP == B:  Message on B\n");
  await python.prints(
    '== APP == Received message "Message on C" on topic "C"\n',
  );
  // Neither got what only the other asked for.
  expect(node.out).not.toContain("Message on C");
  expect(python.out).not.toContain("Message on B");

  for (const name of ["node-subscriber", "python-subscriber", "react-form"])
    expect(await dapr("stop", "--app-id", idOf(name))).toEqual({
      code: 0,
      out: `✅  app stopped successfully: ${idOf(name)}\n`,
      err: "",
    });
  for (const run of [node, python, form]) expect(await run.exit).toBe(0);
});
