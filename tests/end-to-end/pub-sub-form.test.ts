/** The form of the pub-sub tutorial in a real browser: by keyboard, by what a screen reader is told, and when the sidecar refuses. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { findBrowser } from "../../scripts/browser.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { standInSidecar, startListeningApp } from "../support/tutorial-app.ts";

const root = join(__dirname, "../..");
const folder = "tutorials/pub-sub/apps";
/** The picture of the tutorial, taken anew when DAPR_TEST_SCREENSHOT is set. */
const screenshot = join(root, "tutorials/pub-sub/form.png");

const sidecar = standInSidecar();
let browser: Browser;
let address: string;
let page: Page;
/** What the browser asked for, and what it complained about. */
let requests: string[];
let complaints: string[];

beforeAll(async () => {
  const { port } = await startListeningApp(
    folder,
    ["publisher.ts"],
    sidecar.env,
  );
  address = `http://localhost:${port}/`;
  browser = await chromium.launch({ executablePath: findBrowser()! });
});

beforeEach(async () => {
  requests = [];
  complaints = [];
  page = await browser.newPage({ viewport: { width: 640, height: 480 } });
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);
  // What is typed before the page has its focus goes nowhere.
  await page.locator("input[name=message]:focus").waitFor();
});

afterEach(() => page.close());

afterAll(async () => {
  await browser?.close();
  await stopAll();
});

const published = () =>
  sidecar.requests.map(({ path, body }) => [path, JSON.parse(body)]);

test("the keyboard alone sends a message of another type, and another after it", async () => {
  await page.keyboard.type("hello");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Published on topic B: hello").waitFor();
  await page.keyboard.type("again");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space"); // on the button
  await page.getByText("Published on topic B: again").waitFor();
  expect(published()).toEqual([
    ["/v1.0/publish/pubsub/B", { messageType: "B", message: "hello" }],
    ["/v1.0/publish/pubsub/B", { messageType: "B", message: "again" }],
  ]);
  expect(await page.getByLabel("Message", { exact: true }).inputValue()).toBe(
    "",
  );
});

test("a screen reader is told each control's name, and what became of the message", async () => {
  expect(await page.title()).toBe("Publish a message");
  expect(await page.locator("html").getAttribute("lang")).toBe("en");
  const structure = () => page.locator("body").ariaSnapshot();
  const form = [
    "- main:",
    '  - heading "Publish a message" [level=1]',
    '  - group "Message type":',
    "    - text: Message type",
    '    - radio "A, for both subscribers" [checked]',
    "    - text: A, for both subscribers",
    '    - radio "B, for node-subscriber"',
    "    - text: B, for node-subscriber",
    '    - radio "C, for second-subscriber"',
    "    - text: C, for second-subscriber",
    "  - text: Message",
    '  - textbox "Message"',
    '  - button "Publish"',
    "  - status",
  ];
  expect(await structure()).toBe(form.join("\n"));
  await page.keyboard.type("hello");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("hello").waitFor();
  expect(await structure()).toContain(
    '- status: "Published on topic A: hello"',
  );
  if (process.env["DAPR_TEST_SCREENSHOT"])
    await page.screenshot({ path: screenshot });
});

test("a message that the sidecar refuses stays in the form, with the reason below", async () => {
  sidecar.answer = { status: 500, body: "the broker is down" };
  await page.getByLabel("Message", { exact: true }).fill("keep me");
  await page.getByRole("button", { name: "Publish" }).click();
  await page
    .getByRole("status")
    .getByText("Not published: 500 the broker is down")
    .waitFor();
  const input = page.getByLabel("Message", { exact: true });
  expect(await input.inputValue()).toBe("keep me");
  sidecar.answer = { status: 204 };
  await page.keyboard.press("Enter");
  await page.getByText("Published on topic A: keep me").waitFor();
});

test("an empty message is not sent", async () => {
  await page.keyboard.press("Enter");
  await page.keyboard.type("hello");
  await page.keyboard.press("Enter");
  await page.getByText("Published on topic A: hello").waitFor();
  expect(published()).toHaveLength(1);
});

test("nothing comes from elsewhere, and markup in a message is text", async () => {
  const markup = "<img src=http://example.com/x onerror=alert(1)>";
  await page.keyboard.type(markup);
  await page.keyboard.press("Enter");
  await page.getByText(`Published on topic A: ${markup}`).waitFor();
  expect(await page.getByRole("img").count()).toBe(0);
  expect(
    requests.filter(
      (url) => !url.startsWith("data:") && !url.startsWith(address),
    ),
  ).toEqual([]);
  expect(complaints).toEqual([]);
});

test("the form fits a narrow screen and a dark one", async () => {
  await page.setViewportSize({ width: 320, height: 568 });
  await page.emulateMedia({ colorScheme: "dark" });
  const word = "x".repeat(80);
  await page.keyboard.type(word);
  await page.keyboard.press("Enter");
  await page.getByText(`Published on topic A: ${word}`).waitFor();
  // By text: the tests are compiled without the browser's types.
  const ofPage = (what: string) =>
    page.evaluate(`document.documentElement.${what}`);
  expect(await ofPage("scrollWidth")).toBe(await ofPage("clientWidth"));
  // A dark page, as the body has no background of its own.
  const scheme = "getComputedStyle(document.documentElement).colorScheme";
  expect(await page.evaluate(scheme)).toBe("light dark");
});

test("the page says when its publisher has gone", async () => {
  await page.route("**/publish", (route) => route.abort());
  await page.keyboard.type("hello");
  await page.keyboard.press("Enter");
  await page
    .getByText("Not published: the publisher does not answer.")
    .waitFor();
});

test("with sidecars and the embedded bus, each message reaches the subscribers that its label names", async () => {
  const bus = join(tempFolder("pub-sub"), "bus.db");
  const file = join(root, "components/embedded/pubsub.yaml");
  const component = readFileSync(file, "utf8").replace(
    "../../.dapr/embedded.db",
    bus,
  );
  const start = async (appId: string) => {
    const [http, grpc] = (await freePorts(2)) as [number, number];
    const app = await startListeningApp(folder, [`${appId}.ts`], {
      DAPR_HTTP_PORT: `${http}`,
    });
    await startDaprd({
      appId,
      appPort: app.port,
      ports: [http, grpc],
      resources: { "pubsub.yaml": component },
      until: "ready",
    });
    return app;
  };
  const [publisher, node, second] = await Promise.all(
    ["publisher", "node-subscriber", "second-subscriber"].map(start),
  );
  await page.goto(`http://localhost:${publisher!.port}/`);
  for (const label of ["A, ", "B, ", "C, "]) {
    await page.getByRole("radio", { name: label }).check();
    await page.getByLabel("Message", { exact: true }).fill(`for ${label}`);
    await page.keyboard.press("Enter");
    await page.getByText(`: for ${label}`).waitFor();
  }
  await page.getByRole("radio", { name: "A, " }).check();
  await page.getByLabel("Message", { exact: true }).fill("the last");
  await page.keyboard.press("Enter");
  await node!.prints("A:  the last\n");
  await second!.prints("A:  the last\n");
  await node!.prints("B:  for B, \n");
  await second!.prints("C:  for C, \n");
  expect(node!.printed()).not.toContain("C: ");
  expect(second!.printed()).not.toContain("B: ");
  expect(node!.printed()).toContain("A:  for A, \n");
  expect(second!.printed()).toContain("A:  for A, \n");
});
