/** A program that looks like a sidecar, and tells markup and control characters of itself. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { freePorts } from "./ports.ts";

export const markup =
  "<img src=http://example.com/x onerror=alert(1)><b>x</b><script>alert(2)</script>";
const control = "\u001b[2J\u0007\u202e";

/** `node daprd.js --app-id …`, which is how sidecars are found. */
export async function hostileSidecar(dir: string) {
  const folder = join(dir, "hostile");
  mkdirSync(folder);
  const id = `evil${markup}${control}`;
  const text = `${markup}${control}`;
  const metadata = {
    id,
    components: ["pubsub", "state", "bindings"].map((kind) => ({
      name: `${kind}${text}`,
      type: `${kind}.${text}`,
      version: text,
      capabilities: [text],
    })),
    subscriptions: [
      {
        pubsubname: `pubsub${text}`,
        topic: text,
        rules: [{ match: text, path: text }],
      },
    ],
    extended: {
      appCommand: text,
      runTemplateName: text,
      appLogPath: "/etc/passwd",
      daprdLogPath: "/etc/passwd",
    },
  };
  writeFileSync(
    join(folder, "daprd.js"),
    `require("node:http").createServer((_, response) => response.end(${JSON.stringify(JSON.stringify(metadata))}))
      .listen(Number(process.argv[process.argv.indexOf("--dapr-http-port") + 1]), "127.0.0.1", () => console.log("listening"));`,
  );
  const [port = 0] = await freePorts(1);
  const child = spawn(
    process.execPath,
    [
      join(folder, "daprd.js"),
      "--app-id",
      id,
      "--dapr-http-port",
      String(port),
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let printed = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  await waitFor("it to listen", () => printed.includes("listening"));
  return {
    /** As the page shows it. */
    shownId: `evil${markup}`,
    end: () => void child.kill(),
  };
}
