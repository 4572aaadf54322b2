/** `kind: Resiliency` resources (docs/protocol/resiliency.md). Each is whole or not read at all; policies and targets of several are one set. */
import type { Resiliency } from "../../contracts/resiliency.ts";
import type { Logger } from "../../shared/log.ts";
import { isOwn } from "../../shared/namespace.ts";
import { messageOf } from "../../shared/message-of.ts";
import { where, type Position } from "../../shared/position.ts";
import { resiliencyFields } from "../fields.ts";
import { isKind } from "../other-kinds.ts";
import { tellFields } from "../unknown-fields.ts";
import {
  listAt,
  mapAt,
  member,
  textOf,
  textsOf,
  YamlError,
  type Value,
} from "../values/yaml.ts";
import {
  readBreakers,
  readRetries,
  readTimeouts,
} from "./resiliency-policies.ts";
import { readActors, readApps, readComponents } from "./resiliency-targets.ts";

export interface ResiliencyOptions {
  appId: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** Told of each document that can't be read; without it that is logged. */
  onWrong?(problem: string): void;
}

/** The resources among the documents that concern this app, in order; one that is wrong is left out as a whole. */
export async function selectResiliencies(
  documents: Iterable<Value | YamlError>,
  options: ResiliencyOptions,
): Promise<Resiliency[]> {
  const found: Resiliency[] = [];
  for (const document of documents) {
    if (document instanceof YamlError || !isKind(document, "Resiliency"))
      continue;
    try {
      const read = await readResiliency(document, options);
      if (read) found.push(read);
    } catch (error) {
      const problem = messageOf(error);
      if (options.onWrong) options.onWrong(problem);
      else
        options.log.error(
          `${problem}; none of its policies and targets counts until that is mended`,
        );
    }
  }
  return found;
}

/** Undefined if it is for other apps. Rejects, with name and place, on what is wrong. */
export async function readResiliency(
  document: Value,
  { appId, env, log }: ResiliencyOptions,
): Promise<Resiliency | undefined> {
  const metadata = member(document, "metadata");
  const name = textOf(member(metadata, "name"));
  const owner = `Resiliency "${name}"`;
  try {
    const namespace = textOf(member(metadata, "namespace"));
    // If a text were read as nothing, all apps would get what was meant for one.
    const scopes = textsOf(listAt(member(document, "scopes"), "scopes"));
    if (!isOwn(namespace, env)) return undefined;
    if (scopes.length > 0 && !scopes.includes(appId)) return undefined;
    tellFields(document, resiliencyFields, owner, log);
    return {
      name,
      namespace,
      ...(await readSpec(member(document, "spec"), (line, at) =>
        log.warn(`${owner}: ${line} (${where(at)})`),
      )),
    };
  } catch (error) {
    throw new Error(`${owner}: ${messageOf(error)}`, { cause: error });
  }
}

async function readSpec(
  value: Value | undefined,
  tell: (line: string, at: Position) => void,
): Promise<Omit<Resiliency, "name" | "namespace">> {
  const spec = mapAt(value, "spec");
  const policies = mapAt(member(spec, "policies"), "spec.policies");
  const targets = mapAt(member(spec, "targets"), "spec.targets");
  return {
    timeouts: readTimeouts(policies),
    retries: readRetries(policies, tell),
    circuitBreakers: await readBreakers(policies),
    apps: readApps(targets),
    actors: readActors(targets),
    components: readComponents(targets),
  };
}
