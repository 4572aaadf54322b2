/** Finds the type of a component in the list of its category, or says what may have been meant. */
import type {
  Closable,
  ComponentDefinition,
  ComponentResource,
} from "../contracts/component.ts";
import { nearestName } from "../shared/nearest-name.ts";
import { where } from "../shared/position.ts";
import { daprTypes } from "./dapr-types.ts";
import type { BuiltIn } from "./index.ts";

export class ComponentError extends Error {
  override name = "ComponentError";
}

/** What the categories are called in `couldn't find …`. */
const categories: Record<string, string> = {
  nameresolution: "name resolution",
  state: "state store",
  pubsub: "message bus",
  secretstores: "secret store",
  configuration: "configuration store",
  lock: "lock store",
  crypto: "crypto provider",
  conversation: "conversation",
  middleware: "HTTP middleware",
};

/** `orders (bindings.kafka/v1)`, as messages name a component. */
export const labelOf = (resource: ComponentResource) =>
  `${resource.name} (${resource.version ? `${resource.type}/${resource.version}` : resource.type})`;

/** Why a component is absent although the original has its type; undefined for all others. `known`: the types of its category. */
export function absenceOf(
  { type, at }: ComponentResource,
  known: readonly BuiltIn<Closable>[],
): string | undefined {
  if (!daprTypes.has(type) || known.some((one) => one.type === type))
    return undefined;
  const place = where(at);
  return `its type ${type} is Dapr's, but not in this version of the sidecar${place ? ` (${place})` : ""}`;
}

/** Rejects with {@link ComponentError} if there is no such type, or not in that version. */
export async function findType<C extends Closable>(
  resource: ComponentResource,
  known: BuiltIn<C>[],
): Promise<ComponentDefinition<C>> {
  const version = resource.version.toLowerCase();
  const found = known.find(
    ({ type, versions }) =>
      type === resource.type &&
      (versions.includes(version) ||
        version === "" ||
        (version === "v0" && versions.length === 1)),
  );
  if (found)
    return found.load(
      found.versions.includes(version) ? version : found.versions[0]!,
    );
  const category = resource.type.split(".")[0]!;
  const cause =
    category === "bindings"
      ? `couldn't find binding ${labelOf(resource)}`
      : Object.hasOwn(categories, category)
        ? `couldn't find ${categories[category]} ${resource.type}${resource.version ? `/${resource.version}` : ""}`
        : `incorrect type ${resource.type}`;
  throw new ComponentError(
    `[CREATE_COMPONENT_FAILURE]: initialization error occurred for ${labelOf(resource)}: ${cause}; ${hintFor(resource, known)} (${where(resource.at)})`,
  );
}

/** What to name in an error: the versions of the type, the type that was probably meant, or all types. */
function hintFor({ type }: ComponentResource, known: BuiltIn<Closable>[]) {
  const same = known.find((one) => one.type === type);
  if (same) return `versions of ${type} here: ${same.versions.join(", ")}`;
  const types = known.map((one) => one.type);
  const near = nearestName(type, types) ?? nearestName(type, [...daprTypes]);
  if (!near) return `known types: ${types.join(", ")}`;
  return types.includes(near)
    ? `did you mean ${near}?`
    : `did you mean ${near}? Dapr has it, this version of the sidecar has not`;
}
