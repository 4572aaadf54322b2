import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { tempFolder } from "../tests/support/temp-folder.ts";

const notOnWindows = process.platform === "win32" ? test.skip : test;

notOnWindows(
  "an npm that is killed is noticed although its shell lives on",
  async () => {
    const script = join(tempFolder("stop-wish"), "script.ts");
    const stopWish = pathToFileURL(join(__dirname, "stop-wish.ts"));
    writeFileSync(
      script,
      `import { watchForStop } from "${stopWish}";
       watchForStop({ asked: (why) => { console.log(why); process.exit(); }, insisted() {} });
       setTimeout(() => process.exit(1), 600_000);
       console.log("watching");`,
    );
    // Like npm, it starts a shell that waits for the script.
    const npm = spawn(
      process.execPath,
      [
        "-e",
        `require("node:child_process").spawn("sh", ["-c", '"$0" "$1"; exit $?', process.execPath, process.argv[1]], { stdio: "inherit" })`,
        script,
      ],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, npm_lifecycle_event: "demo:local" },
      },
    );
    const lines = createInterface({ input: npm.stdout })[
      Symbol.asyncIterator
    ]();
    expect((await lines.next()).value).toBe("watching");
    npm.kill("SIGKILL");
    expect((await lines.next()).value).toBe("npm ended");
    expect((await lines.next()).done).toBe(true);
  },
);
