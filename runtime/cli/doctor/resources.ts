/** The YAML of resource folders and Configurations, read by the sidecar's own readers. */
import { existsSync } from "node:fs";
import { where } from "../../shared/position.ts";
import { documentsIn } from "../../resources/folders/files.ts";
import { loadConfiguration } from "../../resources/kinds/configuration.ts";
import {
  selectComponents,
  type LoadedComponent,
} from "../../resources/kinds/component.ts";
import {
  selectHttpEndpoints,
  type HttpEndpointOptions,
} from "../../resources/kinds/http-endpoint.ts";
import { selectResiliencies } from "../../resources/kinds/resiliency.ts";
import { selectSubscriptions } from "../../resources/kinds/subscription.ts";
import { tellKind } from "../../resources/other-kinds.ts";
import { textOf, YamlError, type Value } from "../../resources/values/yaml.ts";
import { collectedWarnings } from "../collected-warnings.ts";
import {
  inComponent,
  withoutPubsub,
  type AppSubscription,
} from "./components.ts";
import { anAppOf } from "../standalone/folder-components.ts";
import {
  failure,
  note,
  ok,
  warning,
  type Examined,
  type Finding,
} from "./finding.ts";

export async function checkResources({
  folders,
  configurations,
  runFile,
}: Examined): Promise<Finding[]> {
  const files = configurations.filter((file) => existsSync(file));
  if (folders.length + configurations.length + runFile.length === 0)
    return [note("No folder of resource files to look at")];
  const read = await Promise.all(
    folders.map((folder) => inFolder(folder, files)),
  );
  const found = [
    ...runFile,
    ...read.flatMap(({ findings }) => findings),
    ...withoutPubsub(
      read.flatMap(({ subscriptions }) => subscriptions),
      read.flatMap(({ components }) => components),
    ),
    ...configurations.flatMap(inConfiguration),
  ];
  if (found.some(({ status }) => status !== "ok")) return found;
  return [ok(`Nothing is wrong in ${[...folders, ...files].join(", ")}`)];
}

interface FolderContent {
  findings: Finding[];
  components: LoadedComponent[];
  subscriptions: AppSubscription[];
}

async function inFolder(
  folder: string,
  configurations: readonly string[],
): Promise<FolderContent> {
  const { log, warnings } = collectedWarnings();
  const malformed: string[] = [];
  const components: LoadedComponent[] = [];
  const subscriptions: AppSubscription[] = [];
  const wrong: Finding[] = [];
  try {
    for (const document of documentsIn([folder], log)) {
      const appId = anAppOf(document);
      const options = {
        appId,
        env: process.env,
        log,
        onMalformed: (problem: string) => void malformed.push(problem),
      };
      for (const component of selectComponents([document], options)) {
        components.push(component);
        wrong.push(...(await inComponent(component, appId, log)));
      }
      for (const subscription of selectSubscriptions([document], options))
        subscriptions.push({ subscription, appId });
      await selectResiliencies([document], {
        ...options,
        onWrong: (problem) => void malformed.push(problem),
      });
      if (document instanceof YamlError) continue;
      tellKind(document, configurations, log);
      await checkEndpoint(document, options).catch((error: Error) =>
        malformed.push(error.message),
      );
    }
  } catch (error) {
    const findings = [failure((error as Error).message)];
    return { findings, components, subscriptions };
  }
  const findings = [
    ...malformed.map((problem) => failure(problem)),
    ...wrong,
    ...twins(components),
    ...warnings
      .filter((line) => !malformed.some((problem) => line.endsWith(problem)))
      .map((line) => warning(line)),
  ];
  return { findings, components, subscriptions };
}

/** One whose values come from a secret store can only be read by the sidecar, which has the store. */
async function checkEndpoint(
  document: Value,
  options: Omit<HttpEndpointOptions, "secrets">,
) {
  if (textOf(document).includes('"secretKeyRef"')) return;
  const secrets = {
    has: () => false,
    read: async (store: string) => {
      throw new Error(`secret store ${store} is the sidecar's`);
    },
  };
  await selectHttpEndpoints([document], { ...options, secrets });
}

/** Two components of one name that one app would get. */
function twins(components: readonly LoadedComponent[]): Finding[] {
  return components.flatMap((one, n) => {
    const twin = components
      .slice(0, n)
      .find((other) => other.name === one.name && meet(other, one));
    return twin
      ? [
          failure(
            `two components are named ${one.name} (${where(twin.at)}, ${where(one.at)})`,
            "Rename one, or give each its own scopes.",
          ),
        ]
      : [];
  });
}

const meet = (a: LoadedComponent, b: LoadedComponent): boolean =>
  a.scopes.length === 0 ||
  b.scopes.length === 0 ||
  a.scopes.some((app) => b.scopes.includes(app));

function inConfiguration(file: string): Finding[] {
  const { log, warnings } = collectedWarnings();
  try {
    loadConfiguration([file], { env: process.env, log });
  } catch (error) {
    return [failure((error as Error).message)];
  }
  return warnings.map((line) => warning(line));
}
