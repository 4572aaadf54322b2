/** `dapr configurations` without a cluster: what is in the configuration files. */
import {
  maxYamlBytes,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";
import { where } from "../../shared/position.ts";
import {
  member,
  readDocuments,
  textOf,
  YamlError,
  type Value,
} from "../../resources/values/yaml.ts";
import { CommandError } from "../command.ts";
import { daprHome, defaultConfig } from "../home.ts";
import type { Io } from "../io.ts";
import { switches } from "../kubernetes/configurations.ts";
import { printList, type ListFlags } from "../print-list.ts";

export async function printConfigurationsHere(
  flags: ListFlags & { config: string[]; "runtime-path": string },
  io: Io,
): Promise<number> {
  const found = filesOf(flags)
    .flatMap(configurationsIn)
    .filter(({ name }) => !flags.name || name === flags.name);
  const objects = found.map(({ name, namespace, spec, at }) => ({
    name,
    namespace,
    spec,
    file: where(at),
  }));
  const rows = found.map(({ name, namespace, spec, at }) => ({
    NAMESPACE: namespace,
    NAME: name,
    ...switches(spec),
    FILE: where(at),
  }));
  await printList("configurations", flags.output, objects, rows, io);
  return 0;
}

function filesOf(flags: { config: string[]; "runtime-path": string }) {
  if (flags.config.length > 0) return flags.config;
  const home = daprHome(flags["runtime-path"]);
  const file = defaultConfig(home);
  if (file) return [file];
  throw new CommandError(
    `there is no file config.yaml in ${home}: \`dapr init\` makes it, or name another with --config`,
  );
}

function configurationsIn(file: string) {
  let text;
  try {
    text = readRegular(file, maxYamlBytes);
  } catch (error) {
    throw new CommandError(`${file} can't be read: ${whyUnread(error)}`);
  }
  return readDocuments(text, file).flatMap((document) => {
    if (document instanceof YamlError)
      throw new CommandError(`${document.message} (${where(document.at)})`);
    if (textOf(member(document, "kind")) !== "Configuration") return [];
    const metadata = member(document, "metadata");
    return [
      {
        name: textOf(member(metadata, "name")),
        namespace: textOf(member(metadata, "namespace")),
        spec: plain(member(document, "spec")),
        at: document.at,
      },
    ];
  });
}

/** A map as JSON has it; empty if it is no map. */
const plain = (value: Value | undefined): Record<string, unknown> =>
  value?.kind === "map"
    ? (JSON.parse(textOf(value)) as Record<string, unknown>)
    : {};
