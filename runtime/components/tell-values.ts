/** Finds values that do not mean what they say: a `ture` that counts as false, a direction that does not exist. */
import type {
  ComponentDefinition,
  ComponentResource,
} from "../contracts/component.ts";
import type { Logger } from "../shared/log.ts";
import { isFalsy, isTruthy } from "../shared/units.ts";
import { short } from "../shared/nearest-name.ts";
import { where } from "../shared/position.ts";

const directions = ["input", "output"];

/** Warns about each, with its line; `owner` names the component. */
export function tellValues(
  { type, metadata }: ComponentResource,
  definition: ComponentDefinition,
  owner: string,
  log: Logger,
): void {
  const isState = type.startsWith("state.");
  const bools = Object.entries(definition.metadata)
    .filter(([, { kind }]) => kind === "bool")
    .flatMap(([name, { aliases = [] }]) => [name, ...aliases])
    .concat(isState ? "actorStateStore" : [])
    .map((name) => name.toLowerCase());
  for (const { name, value, isSecret, at } of metadata) {
    const folded = name.toLowerCase();
    const said = isSecret ? "" : ` ${short(value)}`;
    const tell = (problem: string) =>
      log.warn(
        `component ${owner}: metadata '${name}'${said} ${problem}${at ? ` (${where(at)})` : ""}`,
      );
    if (bools.includes(folded) && !isTruthy(value) && !isFalsy(value))
      tell('is neither true nor false and counts as false; write "true"?');
    if (folded !== "direction" || !type.startsWith("bindings.") || !value)
      continue;
    const listed = value.split(",").map((part) => part.trim().toLowerCase());
    if (listed.some((part) => !directions.includes(part)))
      tell(
        `is not input, output or both with a comma${listed.some((part) => directions.includes(part)) ? "" : ": the component does nothing"}`,
      );
  }
}
