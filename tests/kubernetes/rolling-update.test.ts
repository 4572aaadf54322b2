/** An app is updated by its Deployment while another calls it thirty times a second. No call fails. */
import {
  apply,
  cleanUp,
  eventually,
  install,
  kubectl,
  loadImages,
  yaml,
} from "./cluster.ts";
import { annotated, idleApp } from "./idle-app.ts";
import { podsIn } from "./pods.ts";

const pods = podsIn("dapr-rolling");
const { namespace } = pods;
const updates = Number(process.env.DAPR_TEST_ROLLING_UPDATES ?? 2);
let image: string;

beforeAll(() => {
  image = loadImages();
  install();
  kubectl(["create", "namespace", namespace]);
}, 600_000);

afterAll(() => {
  cleanUp(namespace);
});

afterEach(async () => {
  pods.kubectl(["delete", "deployment", "--all"]);
  for (const name of ["called", "caller"]) await pods.when(name, 0);
});

/**
 * On SIGTERM the app takes no new connections, and kept connections end with their next answer. If it closed them at once,
 * nobody could tell whether a request that arrives at that moment was read.
 */
const called = `
  const server = require("node:http").createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    if (!server.listening) outgoing.setHeader("connection", "close");
    setTimeout(() => outgoing.end(body), 5);
  });
  server.listen(3000);
  // http.Server.close() would close kept connections at once.
  process.once("SIGTERM", () => require("node:net").Server.prototype.close.call(server));`;

/** Prints each half second how many of its POSTs were answered since the first answer. */
const caller = `
  let sent = 0, answered = 0;
  const failures = [];
  const send = async () => {
    const body = String(++sent);
    try {
      const reply = await fetch("http://127.0.0.1:3500/v1.0/invoke/called/method/x", { method: "POST", body });
      const text = await reply.text();
      if (reply.status === 200 && text === body) answered++;
      else failures.push(body + ": " + reply.status + " " + text);
    } catch (error) {
      failures.push(body + ": " + (error.cause ?? error));
    }
    if (answered === 0) failures.length = 0;
  };
  setInterval(send, 33);
  setInterval(() => console.log(JSON.stringify({ answered, failures })), 500);`;

interface Extra {
  annotations?: Record<string, string>;
  /** How many seconds the app's preStop hook waits. */
  preStop?: number;
}

function app(
  name: string,
  program: string,
  replicas: number,
  annotations: Record<string, string>,
  preStop?: number,
) {
  const deployment = idleApp(
    namespace,
    name,
    image,
    annotated(name, annotations),
    replicas,
  );
  const { spec } = deployment.spec.template;
  const [container] = spec.containers;
  const hook = ["node", "-e", `setTimeout(() => {}, ${preStop} * 1000)`];
  return {
    ...deployment,
    spec: {
      ...deployment.spec,
      template: {
        ...deployment.spec.template,
        spec: {
          containers: [
            {
              ...container,
              args: ["node", "-e", program],
              ...(preStop === undefined
                ? {}
                : { lifecycle: { preStop: { exec: { command: hook } } } }),
            },
          ],
        },
      },
    },
  };
}

const rollOut = (name: string) =>
  pods.kubectl(["rollout", "status", "--timeout=180s", `deployment/${name}`]);

const counts = () => {
  const last = pods.log("caller", "app").trim().split("\n").at(-1);
  const none = { answered: 0, failures: [] as string[] };
  return last ? (JSON.parse(last) as typeof none) : none;
};
const more = () => {
  const before = counts().answered;
  return eventually("more answers", () => counts().answered > before + 30);
};

test.each<[string, number, Extra]>([
  ["plain", 2, {}],
  ["one replica", 1, {}],
  ["with a preStop hook", 2, { preStop: 3 }],
  [
    "with block-shutdown-duration",
    2,
    { annotations: { "block-shutdown-duration": "5s" } },
  ],
  [
    "with both",
    2,
    { annotations: { "block-shutdown-duration": "5s" }, preStop: 3 },
  ],
  [
    "with native sidecars",
    2,
    { annotations: { "enable-native-sidecar": "true" } },
  ],
])("%s", async (_name, replicas, { annotations = {}, preStop }) => {
  apply(
    yaml(
      app(
        "called",
        called,
        replicas,
        { "app-port": "3000", ...annotations },
        preStop,
      ),
      app("caller", caller, 1, {}),
    ),
  );
  rollOut("called");
  rollOut("caller");
  await more();
  for (let i = 0; i < updates; i++) {
    pods.kubectl(["rollout", "restart", "deployment/called"]);
    rollOut("called");
    await more();
  }
  // Pods that end may take their whole grace period.
  await pods.when("called", replicas);
  await more();
  const { answered, failures } = counts();
  console.log(`${answered} answered, ${failures.length} failed`);
  expect(failures).toEqual([]);
});
