/** The apps of the pub-sub tutorial: what they ask of a sidecar, what they print, and what they say when it refuses. */
import { call } from "../support/http.ts";
import { freePorts } from "../support/ports.ts";
import {
  standInSidecar,
  startListeningApp,
  startTutorialApp,
} from "../support/tutorial-app.ts";
import { waitFor } from "../wait-for.ts";

const folder = "tutorials/pub-sub/apps";
const sidecar = standInSidecar();

const start = (file: string, env: Record<string, string> = {}) =>
  startListeningApp(folder, file.split(" "), {
    ...sidecar.env,
    ...env,
  });

/** Posts a CloudEvent as a sidecar does. */
const deliver = (port: number, topic: string, data: unknown, id = "1") =>
  call(port, "POST", `/${topic}`, {
    headers: { "content-type": "application/cloudevents+json" },
    body: JSON.stringify({ id, pubsubname: "pubsub", topic, data }),
  });

describe.each([
  ["node-subscriber.ts", ["A", "B"]],
  ["second-subscriber.ts", ["A", "C"]],
])("%s", (file, topics) => {
  let app: Awaited<ReturnType<typeof start>>;

  beforeAll(async () => {
    app = await start(file);
  });

  test(`subscribes to ${topics.join(" and ")}`, async () => {
    const { text } = await call(app.port, "GET", "/dapr/subscribe");
    expect(JSON.parse(text)).toEqual(
      topics.map((topic) => ({ pubsubname: "pubsub", topic, route: topic })),
    );
  });

  test.each([
    [{ messageType: "A", message: "Message on A" }, "Message on A"],
    ["only a text", "only a text"],
    [null, "null"],
  ])("of the data %j it prints %s", async (data, text) => {
    for (const topic of topics) {
      expect((await deliver(app.port, topic, data)).status).toBe(200);
      await app.prints(`${topic}:  ${text}\n`);
    }
  });
});

test("refusing-subscriber.ts counts its tries of what is bad, takes the rest, and prints dead letters", async () => {
  const app = await start("refusing-subscriber.ts");
  const { text } = await call(app.port, "GET", "/dapr/subscribe");
  expect(JSON.parse(text)).toMatchObject([
    { topic: "A", deadLetterTopic: "dead-letters" },
    { topic: "dead-letters", route: "dead-letters" },
  ]);
  const bad = { message: "bad news" };
  expect((await deliver(app.port, "A", bad, "2")).status).toBe(500);
  expect((await deliver(app.port, "A", bad, "2")).status).toBe(500);
  expect((await deliver(app.port, "A", "good", "3")).status).toBe(200);
  await call(app.port, "POST", "/dead-letters", {
    headers: { "content-type": "application/cloudevents+json" },
    body: JSON.stringify({ id: "2", topic: "A", data: bad }),
  });
  await app.prints(
    "A:  bad news (try 1: 500)\nA:  bad news (try 2: 500)\nA:  good (try 1: 200)\nDead letter of A:  bad news\n",
  );
});

describe("publisher.ts", () => {
  let app: Awaited<ReturnType<typeof start>>;
  const post = (body: string, type = "application/json") =>
    call(app.port, "POST", "/publish", {
      headers: { "content-type": type },
      body,
    });

  beforeAll(async () => {
    app = await start("publisher.ts", { DAPR_API_TOKEN: "abc" });
  });

  test("publishes each message on the topic of its type, with the token it was given", async () => {
    const message = '{"messageType":"C","message":"Message on C"}';
    expect(await post(message)).toMatchObject({ status: 200, text: "OK" });
    expect(sidecar.requests).toMatchObject([
      {
        method: "POST",
        path: "/v1.0/publish/pubsub/C",
        headers: {
          "content-type": "application/json",
          "dapr-api-token": "abc",
        },
        body: message,
      },
    ]);
    await app.prints(
      "Publishing:  { messageType: 'C', message: 'Message on C' }\n",
    );
  });

  test.each([
    ["{}", "application/json"],
    ['{"messageType":"D","message":"x"}', "application/json"],
    ['{"messageType":"A","message":1}', "application/json"],
    ['{"messageType":"A","message":"x"}', "text/plain"],
  ])(
    "%s as %s is refused, and the answer says what to send",
    async (body, type) => {
      const reply = await post(body, type);
      expect(reply.status).toBe(400);
      expect(reply.text).toContain('Send {"messageType": "A", ');
      expect(sidecar.requests).toEqual([]);
    },
  );

  test("a body that cannot be read is refused with its reason", async () => {
    const reply = await post("{bad");
    expect(reply.status).toBe(400);
    expect(reply.text).toContain("JSON");
  });

  test("what the sidecar refuses is a 502 with its reason, which is also printed", async () => {
    sidecar.answer = {
      status: 404,
      body: '{"errorCode":"ERR_PUBSUB_NOT_FOUND"}',
    };
    const reply = await post('{"messageType":"A","message":"x"}');
    const why = 'Not published: 404 {"errorCode":"ERR_PUBSUB_NOT_FOUND"}';
    expect(reply).toMatchObject({ status: 502, text: why });
    await app.prints(`${why}\n`);
  });

  test("a sidecar that is not there is named by its address", async () => {
    const [nowhere = 0] = await freePorts(1);
    app = await start("publisher.ts", { DAPR_HTTP_PORT: `${nowhere}` });
    const reply = await post('{"messageType":"A","message":"x"}');
    expect(reply.status).toBe(502);
    expect(reply.text).toBe(
      `Not published: no answer from http://localhost:${nowhere}/v1.0/publish/pubsub/A: ECONNREFUSED`,
    );
  });

  test("with --every-second messages of the next type flow; one that was refused is sent again", async () => {
    sidecar.answer = { status: 500, body: "not yet" };
    const demo = await start("publisher.ts --every-second");
    await demo.prints("Not published: 500 not yet\n");
    sidecar.answer = { status: 204 };
    await waitFor("four messages", () =>
      sidecar.requests.some(({ body }) => body.includes("Message 4")),
    );
    const sent = sidecar.requests.map(
      ({ path, body }) => `${path} ${JSON.parse(body).message}`,
    );
    expect([...new Set(sent)].slice(0, 4)).toEqual([
      "/v1.0/publish/pubsub/A Message 1",
      "/v1.0/publish/pubsub/B Message 2",
      "/v1.0/publish/pubsub/C Message 3",
      "/v1.0/publish/pubsub/A Message 4",
    ]);
    demo.child.kill("SIGTERM");
    await waitFor("its end", () => demo.child.exitCode === 0);
  });

  test("the error about a taken port says how to use another", async () => {
    const { child } = startTutorialApp(folder, ["publisher.ts"], {
      APP_PORT: `${app.port}`,
    });
    let said = "";
    child.stderr!.on("data", (chunk) => (said += chunk));
    await new Promise((resolve) => child.once("close", resolve));
    expect(child.exitCode).toBe(1);
    expect(said).toMatch(/^Cannot listen on port \d+: .* by APP_PORT\.\n$/);
  });
});
