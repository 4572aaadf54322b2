/** The Node that runs this CLI, and the one that apps find on PATH. */
import { realpathSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { appPath } from "../run/app-path.ts";
import { lookUp } from "../run/look-up.ts";
import { note, ok, type Finding } from "./finding.ts";

export async function checkNode(): Promise<Finding[]> {
  const own = `Node ${process.versions.node} runs this CLI and its sidecars (${process.execPath})`;
  const path = process.env["PATH"] ?? "";
  const found = lookUp("node", path);
  const forApps = await appPath(path);
  if (forApps === path)
    return [ok(`${own}; apps find ${found ? realpathSync(found) : "it"}`)];
  return [
    ok(own),
    note(
      `${found ? `The node on PATH (${found}) is too old to run TypeScript` : "There is no node on PATH"}: \`dapr run\` puts ${forApps.split(delimiter)[0] ?? dirname(process.execPath)} before it`,
    ),
  ];
}
