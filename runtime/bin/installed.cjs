// What is missing to run the kit or its package, and what to type about it. In old words: an
// old Node must be able to read this.
"use strict";
const fs = require("fs");
const path = require("path");

const neededNode = 24;

/** This process, if its Node is new enough, or that of the package `node` in `root` or a folder above; undefined when there is neither. */
exports.findNode = function findNode(root, version = process.versions.node) {
  if (majorOf(version) >= neededNode) return process.execPath;
  for (let folder = root; ; folder = path.dirname(folder)) {
    const node = nodeIn(path.join(folder, "node_modules", "node"));
    if (node) return node;
    if (folder === path.dirname(folder)) return undefined;
  }
};

const majorOf = (version) => Number(version.split(".")[0]);

function nodeIn(folder) {
  const manifest = path.join(folder, "package.json");
  if (
    fs.existsSync(manifest) &&
    majorOf(JSON.parse(fs.readFileSync(manifest, "utf8")).version) < neededNode
  )
    return undefined;
  return ["node", "node.exe"]
    .map((name) => path.join(folder, "bin", name))
    .find((file) => fs.existsSync(file));
}

/** One sentence for the user; undefined when nothing is missing. */
exports.whatIsMissing = function whatIsMissing(
  root,
  version = process.versions.node,
) {
  const { workspaces, name } = manifestOf(root);
  if (!workspaces)
    return exports.findNode(root, version)
      ? undefined
      : `${name} needs Node ${neededNode} or newer, and this is Node ${version} (${process.execPath}): install it from https://nodejs.org, or add it to this project: npm install --save-dev node@${neededNode}`;
  const missing = missingPackages(root, workspaces);
  if (missing.length > 0)
    return `The packages of this project are not installed (${missing[0]}${missing.length > 1 ? " and others" : ""}): type \`npm install\` in ${root} first.`;
  if (!exports.findNode(root, version))
    return `This is Node ${version}; Node ${neededNode} is needed, and npm did not run the install script that brings it (ignore-scripts): type \`npm rebuild node --ignore-scripts=false\` in ${root}.`;
  return undefined;
};

/** Of what the kit and its workspaces run on; types are only for the editor. */
function missingPackages(root, workspaces) {
  const folders = workspaces.map((name) => path.join(root, name));
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

function manifestOf(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
}
