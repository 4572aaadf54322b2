/**
 * Node reads what `NODE_EXTRA_CA_CERTS` names when it first needs TLS, however
 * long that takes: a pipe that nobody writes to holds up the process, its end
 * and SIGTERM included.
 */
import { statSync, type Stats } from "node:fs";
import { devNull } from "node:os";

/** Why the process must not go on, for its user; undefined when it may. What is not there, or a folder, Node itself warns about. */
export function whyNotExtraAuthorities(
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const path = env["NODE_EXTRA_CA_CERTS"];
  if (!path || path === devNull) return undefined;
  const kind = kindOf(path);
  if (!kind) return undefined;
  return `NODE_EXTRA_CA_CERTS names ${path}, which is a ${kind}: reading it may never end. Name a file with certificates in PEM, or unset the variable.`;
}

function kindOf(path: string): "pipe" | "device" | undefined {
  let about: Stats;
  try {
    about = statSync(path);
  } catch {
    return undefined;
  }
  if (about.isFIFO()) return "pipe";
  return about.isCharacterDevice() || about.isBlockDevice()
    ? "device"
    : undefined;
}
