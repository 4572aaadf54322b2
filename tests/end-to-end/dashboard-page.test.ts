/** The page of `dapr dashboard` in a real browser, with real sidecars behind it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContextOptions,
  type Page,
} from "playwright-core";
import { findBrowser } from "../../scripts/browser.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import {
  envOf,
  startDashboard,
  startShop,
  type Shop,
  type TestDashboard,
} from "../support/dashboard.ts";
import { call } from "../support/http.ts";
import { isFree } from "../support/ports.ts";
import { hostileSidecar, markup } from "../support/hostile-sidecar.ts";
import { waitFor } from "../wait-for.ts";
import { workspace } from "./cli-process.ts";

const root = join(__dirname, "../..");
/** The picture of the docs, taken anew when DAPR_TEST_SCREENSHOT is set. */
const screenshot = join(root, "docs/dashboard.png");

const { dir, remove } = workspace();
let browser: Browser;
let shop: Shop;
let dashboard: TestDashboard;
let page: Page;
/** What the browser asked for, and what it complained about. */
let requests: string[];
let complaints: string[];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: findBrowser()! });
  shop = await startShop(dir, `page-${process.pid}`);
  dashboard = await startDashboard(dir, ["-f", shop.runFile]);
});

async function open(options: BrowserContextOptions = {}, to = dashboard.url) {
  await page?.context().close();
  requests = [];
  complaints = [];
  const context = await browser.newContext({
    viewport: { width: 1100, height: 900 },
    ...options,
  });
  // Far more than anything takes on a busy machine: the clock decides no test.
  context.setDefaultTimeout(120_000);
  page = await context.newPage();
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(usableScript);
  await page.goto(to);
}

/** Keeps when the page could be used: its apps are shown. */
const usableScript = `
  new MutationObserver((_, observer) => {
    if (!document.querySelector("[role=tablist]")) return;
    window.usableMs = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
`;

/** The page, once the shop's sidecar is watched. */
async function openShop(options: BrowserContextOptions = {}) {
  await open(options);
  await page.locator(".sidecar.watched").waitFor();
}

/** Neither a complaint, nor anything from elsewhere. */
function expectQuiet(url = dashboard.url) {
  expect(complaints).toEqual([]);
  expect(
    requests.filter(
      (one) => !one.startsWith("data:") && !one.startsWith(`${url}/`),
    ),
  ).toEqual([]);
}

afterAll(async () => {
  await browser?.close();
  await stopAll();
  await remove();
});

const tab = (name: string) => page.getByRole("tab", { name });
const form = (name: string) => page.getByRole("form", { name });
const events = () => page.locator(".event");
const ofPage = (what: string) =>
  page.evaluate(`document.documentElement.${what}`);

async function publish(data: string, topic = "orders") {
  const { status } = await dashboard.post("/api/call", {
    appId: shop.appId,
    method: "POST",
    path: `/v1.0/publish/pubsub/${encodeURIComponent(topic)}`,
    contentType: "application/json",
    body: data,
  });
  expect(status).toBe(200);
}

test("`npm run demo:local -- --dashboard`: the orders are seen to flow, and all of it ends with the demo", async () => {
  const demo = spawn(process.execPath, ["scripts/demo.ts", "--dashboard"], {
    cwd: root,
    env: { ...process.env, ...envOf(dir) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [demo.stdout, demo.stderr])
    stream.on("data", (chunk) => (output += chunk));
  const closed = once(demo, "close");
  try {
    const url = await waitFor(
      "the dashboard's address",
      () => /^ {2}dashboard +(http:\S+)$/m.exec(output)?.[1],
    );
    await open({ viewport: { width: 900, height: 740 } }, url);
    const sent = page.getByRole("option", { name: "sample-topic 204" });
    await sent.first().waitFor();
    const got = page.getByRole("option", { name: "sample-topic → " });
    await got.first().waitFor();
    // A dot is somewhere, and then elsewhere.
    const places = new Set<string | null>();
    await waitFor("a dot to move", async () => {
      const dot = page.locator(".dot").first();
      if ((await dot.count()) > 0)
        places.add(await dot.getAttribute("transform").catch(() => null));
      return places.size > 3;
    });
    // For a moment the demo's run may not be known to each app: then each has a topic of its own.
    const count = page.locator(".component .count").first();
    await waitFor("the topic to count", async () =>
      Number(await count.textContent()),
    );
    await sent.first().click();
    await page.getByText('"orderId":').first().waitFor();
    if (process.env["DAPR_TEST_SCREENSHOT"]) {
      await waitFor("five orders and a dot", async () => {
        if ((await events().count()) < 10) return false;
        return (await page.locator(".dot").count()) > 0;
      });
      await page.screenshot({ path: screenshot });
    }
    expectQuiet(url);
    demo.kill("SIGTERM");
    await closed;
    expect(output).toContain("Demo ended: SIGTERM. Nothing is left running.");
    await page.getByText("The dashboard does not answer.").waitFor();
    expect(await isFree(Number(new URL(url).port))).toBe(true);
  } finally {
    demo.kill("SIGTERM");
    await closed;
  }
});

test("the page is usable soon", async () => {
  await openShop();
  const usableMs = await waitFor("it to be usable", () =>
    page.evaluate<number>("window.usableMs"),
  );
  console.log(`the dashboard's page was usable after ${usableMs} ms`);
  expectQuiet();
});

test("the form publishes: its answer, the call and the delivery are shown, with bodies", async () => {
  await openShop();
  await tab("Try it").click();
  const publishing = form("Publish an event");
  await publishing.getByRole("combobox", { name: "Topic" }).fill("orders");
  await publishing.getByRole("textbox").fill('{"orderId": 77}');
  await publishing.getByRole("button", { name: "Publish" }).click();
  await publishing.getByText("✓ 204 No Content, in ").waitFor();
  await page
    .getByRole("option", { name: "POST /v1.0/publish/pubsub/orders 204" })
    .waitFor();
  await page
    .getByRole("option", { name: "pubsub / orders → /orders 200 success" })
    .click();
  const detail = page.getByRole("region", { name: "Details" });
  await detail.getByText('"orderId": 77').waitFor();
  await detail.getByText('"echo": ').waitFor();
  await page.locator(".topic .count", { hasText: /^2$/ }).waitFor();
  expectQuiet();
});

test("the other forms invoke, save and call a binding; a refusal is shown as one", async () => {
  await openShop();
  await tab("Try it").click();
  const invoke = form("Invoke a method");
  await invoke.getByLabel("Method").fill("neworder");
  await invoke.getByRole("button").click();
  await invoke.getByText("✓ 200 OK").waitFor();
  await invoke.getByText('"echo": "{\\"orderId\\": 42}"').waitFor();
  await invoke.getByLabel("Method").fill("fail");
  await invoke.getByRole("button").click();
  await invoke.getByText("✗ 500 Internal Server Error").waitFor();
  const save = form("Save state");
  await save.getByLabel("Key").fill("a/b c");
  await save.getByLabel("Value").fill("plain text");
  await save.getByRole("button").click();
  await save.getByText("✓ 204 No Content").waitFor();
  const binding = form("Call a binding");
  await binding.getByLabel("Metadata").fill("no JSON");
  await binding.getByRole("button").click();
  await binding.getByText("✗ Metadata has to be a JSON object").waitFor();
  await binding.getByLabel("Metadata").fill('{"fileName": "x"}');
  await binding.getByRole("button").click();
  await binding.getByText("✓ 200 OK").waitFor();
  // What failed is marked, and can be found.
  await page.getByLabel("Errors only").check();
  await page.locator(".event.wrong", { hasText: "/fail" }).first().waitFor();
  expect(await page.locator(".event:not(.wrong)").count()).toBe(0);
  expectQuiet();
});

test("keys are listed, and a value is read when its key is chosen", async () => {
  const items = Array.from({ length: 150 }, (_, n) => ({
    key: `order-${String(n).padStart(3, "0")}`,
    value: { n },
  }));
  const saved = await call(shop.httpPort, "POST", "/v1.0/state/store", {
    body: JSON.stringify(items),
  });
  expect(saved.status).toBe(204);
  await openShop();
  await tab("State").click();
  await page.getByRole("button", { name: "Read the keys of store" }).click();
  const keys = page.getByRole("list", { name: "Keys" });
  await keys.getByText("||order-000").waitFor();
  expect(await keys.getByText("||order-149").count()).toBe(0);
  await keys.getByRole("button", { name: "More keys" }).click();
  await keys.getByText("||order-149").click();
  const value = page.getByRole("region", { name: "Value" });
  await value.getByText('"n": 149').waitFor();
  await page.getByLabel("Key", { exact: true }).fill("no such key");
  await page.getByRole("button", { name: "Read its value" }).click();
  await value.getByText("There is no value of this key.").waitFor();
  expectQuiet();
});

test("the lines of the app and of its sidecar come as they are written", async () => {
  await openShop();
  await tab("Logs").click();
  const log = page.getByRole("log");
  await log.getByText(`app_id=${shop.appId}`).first().waitFor();
  await publish('{"line":"of this test"}');
  await log.getByText("of this test").first().waitFor();
  await page.getByLabel("Sidecar", { exact: true }).uncheck();
  expect(await log.getByText("app_id=").count()).toBe(0);
  expectQuiet();
});

test("the list is filtered, paused and cleared", async () => {
  await openShop();
  await publish('{"colour":"red"}');
  await publish('{"colour":"blue"}');
  await waitFor("two calls and deliveries", async () => {
    return (await events().count()) === 4;
  });
  await page.getByLabel("Filter").fill("BLUE");
  await page.getByText("2 of 4 match.").waitFor();
  await page.getByLabel("Filter").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  await publish('{"colour":"green"}');
  await page.getByText("4 shown; paused, 2 more have come.").waitFor();
  expect(await events().count()).toBe(4);
  await page.getByRole("button", { name: "Pause", pressed: true }).click();
  await page.getByText("6 shown.").waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByText("0 shown.").waitFor();
  expectQuiet();
});

test("what floods in is bounded", async () => {
  await openShop();
  const items = Array.from({ length: 700 }, (_, n) => `k${n}`);
  while (items.length > 0)
    await Promise.all(
      items
        .splice(0, 20)
        .map((key) => call(shop.httpPort, "GET", `/v1.0/state/store/${key}`)),
    );
  await page.getByText("the newest 200 listed").waitFor();
  await page.getByText("older ones than the last 500 are gone").waitFor();
  expect(await events().count()).toBeLessThanOrEqual(200);
  expectQuiet();
});

/** Presses Tab until the focus is there. */
async function tabTo(what: string) {
  for (let n = 0; n < 60; n++) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(
      `document.activeElement.matches(${JSON.stringify(what)})`,
    );
    if (!found) continue;
    // Whoever uses the keyboard sees where the focus is.
    const outline = await page.evaluate<string>(
      "[document.activeElement, document.activeElement.nextElementSibling].map((one) => one && getComputedStyle(one).outlineStyle).join()",
    );
    expect(outline).toContain("solid");
    return;
  }
  throw new Error(`Tab does not lead to ${what}`);
}

test("the keyboard alone reaches everything, in the order of the page", async () => {
  await openShop();
  await publish('{"by":"keyboard"}');
  await waitFor("a call and a delivery", async () => {
    return (await events().count()) === 2;
  });
  await tabTo("input[type=search]");
  await tabTo("input[type=checkbox]");
  await tabTo("button[aria-pressed]");
  await tabTo("[role=listbox]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const chosen = page.locator("[role=option][aria-selected=true]");
  expect(await chosen.count()).toBe(1);
  expect(
    await page.getByRole("listbox").getAttribute("aria-activedescendant"),
  ).toBe(await chosen.getAttribute("id"));
  await page
    .getByRole("region", { name: "Details" })
    .getByText('"by": "keyboard"')
    .waitFor();
  await tabTo("pre");
  await tabTo(".chip input");
  await tabTo("[role=tab]");
  await page.keyboard.press("ArrowRight");
  expect(await tab("Try it").getAttribute("aria-selected")).toBe("true");
  await tabTo("input[name=topic]");
  await page.keyboard.type("orders");
  await tabTo("textarea");
  await tabTo("button[type=submit]");
  await page.keyboard.press("Space");
  await form("Publish an event").getByText("✓ 204 No Content").waitFor();
  await page.keyboard.press("Shift+Tab");
  expectQuiet();
});

test("a screen reader finds landmarks, headings and names, and is told little", async () => {
  await openShop();
  expect(await page.title()).toBe("Dapr dashboard");
  expect(await ofPage("lang")).toBe("en");
  const structure = await page.locator("body").ariaSnapshot();
  for (const part of [
    "- banner:",
    '- heading "Dapr dashboard" [level=1]',
    "- main:",
    '- region "What runs":',
    `- 'img "Apps with a sidecar each: ${shop.appId}. Components: `,
    '- region "Calls and deliveries":',
    '- searchbox "Filter"',
    '- listbox "Calls and deliveries":',
    '- region "Apps":',
    `- radio "${shop.appId}" [checked]`,
    '- tab "Overview" [selected]',
    '- tabpanel "Overview":',
  ])
    expect(structure).toContain(part);
  // No control is without a name.
  for (const tabName of ["Overview", "Try it", "State", "Logs"]) {
    await tab(tabName).click();
    const snapshot = await page.locator("body").ariaSnapshot();
    expect(snapshot).not.toMatch(
      /- (?:button|textbox|combobox|checkbox|radio|searchbox|listbox|region|form)(?::|$| \[)/m,
    );
  }
  // The list and the log change all the time: they are not read out.
  expect(await page.getByRole("log").getAttribute("aria-live")).toBe("off");
  // The connection, the traffic, and what has ended.
  expect(await page.locator("[role=status]").count()).toBe(3);
  expectQuiet();
});

test("who wants no motion sees the way light up", async () => {
  await openShop({ reducedMotion: "reduce" });
  const lit = waitFor("an edge to light up", async () => {
    await publish("1");
    return (await page.locator(".edge.lit").count()) > 0;
  });
  await lit;
  expect(await page.locator(".dot").count()).toBe(0);
  expectQuiet();
});

test.each(["light", "dark"] as const)(
  "%s, on a narrow screen nothing is cut off",
  async (colorScheme) => {
    await openShop({ viewport: { width: 360, height: 740 }, colorScheme });
    await publish(JSON.stringify({ long: "x".repeat(300) }));
    await publish("1", "y".repeat(100));
    await events().first().click();
    for (const name of ["Overview", "Try it", "State", "Logs"]) {
      await tab(name).click();
      await tab(name).and(page.locator("[aria-selected=true]")).waitFor();
      expect(await ofPage("scrollWidth")).toBe(360);
    }
    const ground = await page.evaluate<string>(
      "getComputedStyle(document.body).backgroundColor",
    );
    const [red = 0] = (/\d+/.exec(ground) ?? []).map(Number);
    expect(red > 128).toBe(colorScheme === "light");
    expectQuiet();
  },
);

test("markup and control characters of apps are text", async () => {
  const evil = await hostileSidecar(dir);
  const all = await startDashboard(dir);
  try {
    await open({}, all.url);
    await page.getByRole("radio", { name: evil.shownId }).check();
    await page.getByRole("tabpanel").getByText(markup).first().waitFor();
    for (const name of ["Try it", "State", "Overview"]) await tab(name).click();
    // What passes a sidecar, and what an app prints.
    const radio = page.getByRole("radio", { name: shop.appId });
    await radio.check();
    await publish(JSON.stringify(`${markup}\u001b[2J\u202e`));
    await publish("1", markup);
    const details = page.getByRole("region", { name: "Details" });
    // A topic with markup, then a body with markup and control characters.
    for (const word of ["%3Cimg", "u001b"]) {
      await page.getByLabel("Filter").fill(word);
      await page.getByText(/^\d+ of \d+ match\.$/).waitFor();
      await events().first().click();
      await details.getByText(markup).first().waitFor();
    }
    await tab("Logs").click();
    await page.getByRole("log").getByText(markup).first().waitFor();
    const text = (await page.locator("body").textContent()) ?? "";
    // oxlint-disable-next-line no-control-regex -- these are looked for
    expect(text).not.toMatch(/[\u0000-\u0008\u001b\u202e]/);
    expect(await page.locator("body img, body b, body script").count()).toBe(0);
    expectQuiet(all.url);
  } finally {
    evil.end();
    await all.end();
  }
});

test("a sidecar that was started by hand says why its calls are not seen", async () => {
  const appId = `by-hand-${process.pid}`;
  await startDaprd({ appId });
  const all = await startDashboard(dir);
  await open({}, all.url);
  await page.getByRole("radio", { name: appId }).check();
  await page
    .getByRole("tabpanel")
    .getByText(
      "Its calls and messages are not seen: the sidecar was not started by `dapr run` of this kit.",
    )
    .waitFor();
  await tab("Logs").click();
  await page.getByText("No app was started with this sidecar.").waitFor();
  expectQuiet(all.url);
  await all.end();
});

test("an app that dies is shown as ended in picture and overview, and told once", async () => {
  const other = await startShop(dir, `mortal-${process.pid}`);
  const alone = await startDashboard(dir, ["-f", other.runFile]);
  await open({}, alone.url);
  const row = page.getByRole("tabpanel").locator("div", {
    has: page.getByText("App process", { exact: true }),
  });
  const pid = Number(await row.last().locator("dd").textContent());
  process.kill(pid, "SIGKILL");
  const said = page
    .getByRole("status")
    .getByText(`The app ${other.appId} has ended; its sidecar runs on.`);
  await said.waitFor();
  expect(await said.count()).toBe(1);
  await page.locator(".graph .app.absent").getByText("✗ ended").waitFor();
  await page.locator(".graph").getByText("without its app").waitFor();
  await page.getByRole("img", { name: `${other.appId} (ended)` }).waitFor();
  await page.getByText("The app has ended. Its sidecar runs on").waitFor();
  expect(await row.last().locator("dd").textContent()).toBe("ended");
  expectQuiet(alone.url);
  await alone.end();
  await other.end();
});

test("a method that is none is told as such, and one with a query goes", async () => {
  await openShop();
  await tab("Try it").click();
  const invoke = form("Invoke a method");
  for (const method of ["x y?z=1#q", "../../v1.0/shutdown"]) {
    await invoke.getByLabel("Method", { exact: true }).fill(method);
    await invoke.getByRole("button").click();
    await invoke.getByText(`"${method}" is no method`).waitFor();
  }
  await invoke.getByLabel("Method", { exact: true }).fill("x y?z=1");
  await invoke.getByRole("button").click();
  await invoke.getByText("✓ 200").waitFor();
});

test("without an app the page says how to start one", async () => {
  const other = await startShop(dir, `gone-${process.pid}`);
  const alone = await startDashboard(dir, ["-f", other.runFile]);
  await open({}, alone.url);
  await page.getByRole("radio", { name: other.appId }).waitFor();
  await other.end();
  await page.getByRole("heading", { name: "No app runs" }).waitFor();
  expectQuiet(alone.url);
  await alone.end();
  await page.getByText("The dashboard does not answer.").waitFor();
});

test("a page too many says so", async () => {
  await page.context().close();
  const others = [];
  // Those of the tests before may just be closing.
  while (others.length < 4)
    others.push(
      await waitFor("a place", () => dashboard.open().catch(() => undefined)),
    );
  await open();
  await page.getByText("too many pages of it are open").waitFor();
  for (const other of others) other.leave();
});
