// `node scripts/run.cjs FILE [OPTIONS]`: npm scripts start the project's files by
// it. Where the install is missing or incomplete, it says what to type. It is
// written so that an old Node can run it too.
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
process.chdir(root); // npm may start it in a workspace's folder
const node = findNode(root);
if (node === process.execPath) {
  process.argv = [process.argv[0], script, ...args];
  // An error in the file ends this process, as if the file had been started directly.
  import(pathToFileURL(script).href);
} else {
  // In npm's PATH the kit's Node is first. Without npm, an older Node may have started us.
  const child = spawn(node, [script, ...args], { stdio: "inherit" });
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(name, () => {
      // Ctrl+C in a terminal has already reached the child.
      if (name !== "SIGINT" || !process.stdin.isTTY) child.kill(name);
    });
  child.on("exit", (code, signal) => process.exit(signal ? 1 : code));
}
