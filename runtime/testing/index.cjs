// `dapr-ts/testing`: finds what the test API runs. CommonJS, so that each test runner can load it; in old words, so
// that an old Node can say what is missing.
"use strict";
const fs = require("fs");
const path = require("path");
const { findNode, whatIsMissing } = require("../bin/installed.cjs");

const root = path.join(__dirname, "..", "..");
const dist = path.join(root, "dist");

exports.startSidecar = async function startSidecar(options) {
  const node = findNode(root);
  const bundle = path.join(dist, "testing.cjs");
  if (!node || !fs.existsSync(bundle))
    throw new Error(
      `startSidecar: ${whatIsMissing(root) || `${bundle} is missing: type \`npm install\` in ${root}`}`,
    );
  const { createStartSidecar } = require(bundle);
  const daprd = path.join(dist, "daprd.js");
  return createStartSidecar({ node, daprd })(options);
};
