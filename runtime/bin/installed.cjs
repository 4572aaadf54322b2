// What is missing to run the kit, and what to type about it. In old words: an
// old Node must be able to read this.
"use strict";
const fs = require("fs");
const path = require("path");

const neededNode = 24;

/** The kit's own Node 24 or this process, if that is new enough; undefined when there is neither. */
exports.findNode = function findNode(root, version = process.versions.node) {
  if (Number(version.split(".")[0]) >= neededNode) return process.execPath;
  const bin = path.join(root, "node_modules", "node", "bin");
  return ["node", "node.exe"]
    .map((name) => path.join(bin, name))
    .find((file) => fs.existsSync(file));
};

/** One sentence for the user; undefined when nothing is missing. */
exports.whatIsMissing = function whatIsMissing(
  root,
  version = process.versions.node,
) {
  const missing = missingPackages(root);
  if (missing.length > 0)
    return `The packages of this project are not installed (${missing[0]}${missing.length > 1 ? " and others" : ""}): type \`npm install\` in ${root} first.`;
  if (!exports.findNode(root, version))
    return `This is Node ${version}; Node ${neededNode} is needed, and npm did not run the install script that brings it (ignore-scripts): type \`npm rebuild node --ignore-scripts=false\` in ${root}.`;
  return undefined;
};

/** Of what the kit and its workspaces run on; types are only for the editor. */
function missingPackages(root) {
  const manifestOf = (folder) =>
    JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  const folders = manifestOf(root).workspaces.map((name) =>
    path.join(root, name),
  );
  return [root, ...folders].reduce((missing, folder) => {
    const manifest = manifestOf(folder);
    const names = Object.keys(
      Object.assign({}, manifest.dependencies, manifest.devDependencies),
    );
    return missing.concat(
      names.filter(
        (name) =>
          !name.startsWith("@types/") &&
          ![folder, root].some((place) =>
            fs.existsSync(path.join(place, "node_modules", name)),
          ),
      ),
    );
  }, []);
}
