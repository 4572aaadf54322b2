// `node scripts/run.cjs FILE [OPTIONS]`: what npm scripts start a file of the
// project by. Says what to type where the install is missing or half done, in
// words that an old Node can read, and then runs the file in this process.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");
const { findNode, whatIsMissing } = require("../runtime/bin/installed.cjs");

const root = path.join(__dirname, "..");
const [file, ...args] = process.argv.slice(2);
const script = path.join(root, file);

function fail(message) {
  console.error(message);
  process.exit(1);
}

const missing = whatIsMissing(root);
if (missing) fail(missing);
if (!fs.existsSync(script))
  fail(
    `The test tools, ${path.basename(file)} among them, are not installed yet: type \`npm run lint\`, which installs them.`,
  );
process.chdir(root); // npm starts it in a workspace's folder, too
const node = findNode(root);
if (node === process.execPath) {
  process.argv = [process.argv[0], script, ...args];
  // Its errors end this process as if it had been started itself.
  import(pathToFileURL(script).href);
} else {
  // npm's PATH has the kit's Node first; elsewhere an older one may be.
  const child = spawn(node, [script, ...args], { stdio: "inherit" });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(name, () => {
      // A Ctrl+C in the terminal has reached the child already.
      if (name !== "SIGINT" || !process.stdin.isTTY) child.kill(name);
    });
  child.on("exit", (code, signal) => process.exit(signal ? 1 : code));
}
