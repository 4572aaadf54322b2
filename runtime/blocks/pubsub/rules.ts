/** Routing rules: CEL over `event` (docs/protocol/pubsub.md). */
import type { CloudEvent, Subscription } from "../../contracts/subscription.ts";
import { compileCel } from "../../shared/cel.ts";
import { messageOf } from "../../shared/message-of.ts";

/** The path of the first rule that holds; undefined if none does. Throws if one can't be answered with true or false. */
export type FindPath = (event: CloudEvent) => string | undefined;

/** Rejects, with its text, on a rule that is no CEL. */
export async function compileRules(
  rules: Subscription["rules"],
): Promise<FindPath> {
  const tests = await Promise.all(
    rules.map(async ({ match, path }) => ({
      path,
      holds: match === "" ? () => true : await compile(match),
    })),
  );
  return (event) => tests.find(({ holds }) => holds(event))?.path;
}

async function compile(match: string): Promise<(event: CloudEvent) => boolean> {
  const rule = `the rule ${JSON.stringify(match)}`;
  const expression = await compileCel(match).catch((error: unknown) => {
    throw new Error(`${rule} is no CEL expression: ${messageOf(error)}`, {
      cause: error,
    });
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
