/** What `dapr init` makes, and whether it is still whole. */
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { defaultComponents } from "../home.ts";
import { findSidecar } from "../run/sidecar-binary.ts";
import { binFolder } from "../standalone/installed-daprd.ts";
import {
  failure,
  note,
  ok,
  warning,
  type Examined,
  type Finding,
} from "./finding.ts";

export async function checkInstallation({
  home,
}: Examined): Promise<Finding[]> {
  const found: Finding[] = [];
  try {
    const { own, command } = findSidecar();
    if (!own)
      found.push(
        note(`DAPR_DAPRD_PATH: \`dapr run\` starts ${command} as the sidecar`),
      );
  } catch (error) {
    found.push(failure((error as Error).message));
  }
  if (!existsSync(defaultComponents(home)))
    return [
      ...found,
      note(
        `${home} has no components, so an app has none unless --resources-path names some; \`dapr init\` makes a state store and a message bus`,
      ),
    ];
  const daprd = join(binFolder(home), "daprd");
  if (isLink(daprd) && !existsSync(daprd))
    found.push(
      warning(`${daprd} leads nowhere: the kit has moved`, "Run `dapr init`."),
    );
  return found.length > 0 ? found : [ok(`${home} is set up`)];
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false; // there is nothing of that name
  }
}
