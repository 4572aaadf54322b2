/** Reports documents that no loader reads: other kinds, and slips in `kind` and `apiVersion`. */
import { resolve } from "node:path";
import type { Logger } from "../shared/log.ts";
import { nearestName, short } from "../shared/nearest-name.ts";
import { where } from "../shared/position.ts";
import { member, textOf, type Value } from "./values/yaml.ts";

export const apiVersion = "dapr.io/v1alpha1";

/** The original's kinds and their versions. */
const kinds: Record<string, string[]> = {
  Component: [apiVersion],
  HTTPEndpoint: [apiVersion],
  Configuration: [apiVersion],
  Resiliency: [apiVersion],
  Subscription: [apiVersion, "dapr.io/v2alpha1"],
  MCPServer: [apiVersion],
  WorkflowAccessPolicy: [apiVersion],
};
const read = ["Component", "HTTPEndpoint", "Resiliency", "Subscription"];

export const isKind = (document: Value, kind: string): boolean =>
  textOf(member(document, "kind")) === kind &&
  kinds[kind]!.includes(textOf(member(document, "apiVersion")));

/** Warns about a document that nobody reads, and says what to write; `configurations` are the files of --config. */
export function tellKind(
  document: Value,
  configurations: readonly string[],
  log: Logger,
): void {
  if (document.kind !== "map") return; // reported by whoever loads the components
  const kind = textOf(member(document, "kind"));
  const version = textOf(member(document, "apiVersion"));
  if (read.includes(kind) && kinds[kind]!.includes(version)) return;
  const isGiven = configurations.some(
    (file) => resolve(file) === resolve(document.at.file),
  );
  if (kind === "Configuration" && isGiven) return;
  const { message, at } = problemOf(document, kind, version);
  log.warn(
    `A document was not loaded: ${message} (${where(at ?? document.at)})`,
  );
}

function problemOf(document: Value, kind: string, version: string) {
  const at = (name: string) => member(document, name)?.at;
  if (member(document, "componentType"))
    return {
      message: `componentType is how Azure Container Apps writes a component; write apiVersion: ${apiVersion}, kind: Component, metadata.name and spec.type here`,
      at: member(document, "componentType")?.key?.at,
    };
  const versions = Object.hasOwn(kinds, kind) ? kinds[kind]! : undefined;
  if (versions) {
    if (!versions.includes(version))
      return {
        message: `apiVersion ${version ? `${short(version)} is` : "is missing:"} not that of a ${kind}; write ${versions.join(" or ")}`,
        at: at("apiVersion"),
      };
    return {
      message:
        kind === "Configuration"
          ? "a Configuration counts only if --config names its file"
          : `a ${kind} is not acted upon by this version`,
      at: at("kind"),
    };
  }
  const near = nearestName(kind, Object.keys(kinds));
  if (near || /^dapr\b/i.test(version))
    return {
      message: `kind ${kind ? `${short(kind)} is` : "is missing: it is"} none of Dapr's${near ? `; did you mean ${near}?` : `: ${Object.keys(kinds).join(", ")}`}`,
      at: at("kind"),
    };
  return {
    message:
      kind || version
        ? `kind ${short(kind)} of ${short(version)} is none of Dapr's`
        : `it has no kind; a component begins with apiVersion: ${apiVersion} and kind: Component`,
    at: at("kind"),
  };
}
