/** What an installation made where others' objects are too carries a mark; what was there before is left alone. */
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

/** Those of the objects that are the installation's own, or not there; says of the others that they stay. */
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

/** Of one object kubectl prints that, of several a list, of none nothing. */
function itemsOf(text: string): KubernetesObject[] {
  if (text.trim() === "") return [];
  const answer = parseAnswer<KubernetesObject & { items?: KubernetesObject[] }>(
    text,
  );
  return answer.items ?? [answer];
}
