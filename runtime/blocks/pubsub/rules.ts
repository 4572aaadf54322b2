/** Routing rules: CEL over `event` (docs/protocol/pubsub.md). */
import type {
  CloudEvent,
  Rule,
  Subscription,
} from "../../contracts/subscription.ts";
import { compileCel } from "../../shared/cel.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Position } from "../../shared/position.ts";

/** The path of the first rule that holds; undefined if none does. Throws if one can't be answered with true or false. */
export type FindPath = (event: CloudEvent) => string | undefined;

/** Rejects with a {@link WrongRule}. */
export async function compileRules(
  rules: Subscription["rules"],
): Promise<FindPath> {
  const tests = await Promise.all(
    rules.map(async (rule) => ({
      path: rule.path,
      holds: rule.match === "" ? () => true : await compile(rule),
    })),
  );
  return (event) => tests.find(({ holds }) => holds(event))?.path;
}

/** A rule that is no CEL. */
export class WrongRule extends Error {
  readonly at: Position | undefined;

  constructor(message: string, at: Position | undefined, cause: unknown) {
    super(message, { cause });
    this.at = at;
  }
}

async function compile({
  match,
  at,
}: Rule): Promise<(event: CloudEvent) => boolean> {
  const rule = `the rule ${JSON.stringify(match)}`;
  const expression = await compileCel(match).catch((error: unknown) => {
    throw new WrongRule(
      `${rule} is no CEL expression: ${messageOf(error)}`,
      at,
      error,
    );
  });
  return (event) => {
    let result: unknown;
    try {
      result = expression.evaluate({ event });
    } catch (error) {
      throw new Error(`${rule} can't be answered: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (typeof result === "boolean") return result;
    throw new Error(
      `the result of match expression ${match} was not a boolean`,
    );
  };
}
