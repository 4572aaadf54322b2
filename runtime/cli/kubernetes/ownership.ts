/** Objects that an installation makes among those of others carry a mark; what was there before is left alone. */
import { toYaml } from "../../kubernetes/manifests/install.ts";
import { managedBy } from "../../kubernetes/manifests/options.ts";
import type { KubernetesObject } from "../../kubernetes/api/objects.ts";
import type { Io } from "../io.ts";
import { kubectl, parseAnswer } from "./kubectl.ts";

const mark = "app.kubernetes.io/managed-by";

export const marked = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, [mark]: managedBy },
  },
});

export const isOwn = (object: KubernetesObject | undefined): boolean =>
  object?.metadata.labels?.[mark] === managedBy;

/** For kubectl's `-l`: what is not this installation's. */
export const othersSelector = `${mark}!=${managedBy}`;

/** The objects that are the installation's own, or do not exist yet. Of the others it says that they stay as they are. */
export async function withoutOthers(
  objects: readonly KubernetesObject[],
  io: Io,
): Promise<KubernetesObject[]> {
  if (objects.length === 0) return [];
  const text = await kubectl(
    ["get", "-f", "-", "--ignore-not-found", "-o", "json"],
    { input: toYaml([...objects]) },
  );
  const others = new Set(
    itemsOf(text)
      .filter((object) => !isOwn(object))
      .map(nameOf),
  );
  for (const name of others)
    io.status("warning", `${name} stays as it is: it is not of this kit`);
  return objects.filter((object) => !others.has(nameOf(object)));
}

const nameOf = ({ kind, metadata }: KubernetesObject) =>
  `${kind} ${metadata.namespace}/${metadata.name}`;

/** kubectl prints one object as it is, several as a list, and none as nothing. */
function itemsOf(text: string): KubernetesObject[] {
  if (text.trim() === "") return [];
  const answer = parseAnswer<KubernetesObject & { items?: KubernetesObject[] }>(
    text,
  );
  return answer.items ?? [answer];
}
