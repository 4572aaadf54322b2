/**
 * CEL, the language of conditions in resources: https://github.com/google/cel-spec.
 * The library is loaded with the first expression. Its patterns (`matches`) take linear time, and loops
 * (`all`, `exists`, `map` …) only so many steps: whoever sends what they go through would hold up everything else.
 */

export interface CelExpression {
  readonly text: string;
  /** The variables that it reads, in the order of their first use. */
  readonly names: readonly string[];
  /**
   * Numbers of JavaScript are doubles, bigints are integers. Throws where a field is missing, a type does not fit, or its
   * loops could take too many steps.
   */
  evaluate(variables: Record<string, unknown>): unknown;
}

/** Loops take 30 ms for so many. */
const mostSteps = 20_000;

/** Rejects, with the column, if it is no expression. */
export async function compileCel(text: string): Promise<CelExpression> {
  const { celEnv, isCelError, parse, plan } = await import("@bufbuild/cel");
  let run: ReturnType<typeof plan>;
  const names = new Set<string>();
  let depth: number;
  let longestWritten: number;
  try {
    const parsed = parse(text);
    collectNames(parsed.expr, names, typeNames);
    depth = loopDepth(parsed.expr);
    longestWritten = longestIn(parsed.expr);
    run = plan(celEnv(), parsed);
  } catch (error) {
    throw new Error(syntaxProblem(error), { cause: error });
  }
  return {
    text,
    names: [...names],
    evaluate(variables) {
      if (depth > 0)
        checkSteps(Math.max(longestWritten, longestIn(variables)), depth);
      const value = run(variables as Parameters<typeof run>[0]);
      if (isCelError(value)) throw new Error(value.message, { cause: value });
      return value;
    },
  };
}

/** The names that the language itself has. */
const typeNames: ReadonlySet<string> = new Set([
  "bool",
  "bytes",
  "double",
  "dyn",
  "int",
  "list",
  "map",
  "null_type",
  "string",
  "type",
  "uint",
]);

/** A node of the parsed tree, as far as it is walked here. */
interface Node {
  exprKind?: { case?: string | undefined; value?: unknown };
}

/** Macros such as `exists` have become loops, whose variables are their own. */
function collectNames(
  node: Node | undefined,
  found: Set<string>,
  bound: ReadonlySet<string>,
): void {
  const { case: kind, value } = node?.exprKind ?? {};
  const walk = (inner: Node | undefined, own = bound) =>
    collectNames(inner, found, own);
  if (kind === "identExpr") {
    const { name } = value as { name: string };
    if (!bound.has(name)) found.add(name);
  } else if (kind === "selectExpr") walk((value as { operand?: Node }).operand);
  else if (kind === "callExpr") {
    const { target, args } = value as { target?: Node; args: Node[] };
    walk(target);
    for (const one of args) walk(one);
  } else if (kind === "listExpr")
    for (const one of (value as { elements: Node[] }).elements) walk(one);
  else if (kind === "structExpr")
    for (const entry of (value as StructValue).entries) {
      if (entry.keyKind.case === "mapKey") walk(entry.keyKind.value as Node);
      walk(entry.value);
    }
  else if (kind === "comprehensionExpr") {
    const loop = value as Comprehension;
    walk(loop.iterRange);
    walk(loop.accuInit);
    const own = new Set([...bound, loop.accuVar, loop.iterVar, loop.iterVar2]);
    for (const one of [loop.loopCondition, loop.loopStep, loop.result])
      walk(one, own);
  }
}

/** How deep loops are nested in each other. */
function loopDepth(node: unknown): number {
  if (typeof node !== "object" || node === null) return 0;
  const inner = Math.max(0, ...Object.values(node).map(loopDepth));
  const { case: kind } = node as { case?: unknown };
  return inner + (kind === "comprehensionExpr" ? 1 : 0);
}

/** Throws if loops of this depth through the longest list or map could take too many steps. */
function checkSteps(longest: number, depth: number): void {
  if (longest ** depth > mostSteps)
    throw new Error(
      `its loops, ${depth} deep, would go through up to ${longest} items each: more than ${mostSteps} steps are not taken`,
    );
}

/** Of the lists and maps in it. */
function longestIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const items = Object.values(value);
  return items.reduce<number>(
    (longest, item) => Math.max(longest, longestIn(item)),
    items.length,
  );
}

interface StructValue {
  entries: {
    keyKind: { case?: string | undefined; value?: unknown };
    value?: Node;
  }[];
}

interface Comprehension {
  accuVar: string;
  iterVar: string;
  iterVar2: string;
  iterRange?: Node;
  accuInit?: Node;
  loopCondition?: Node;
  loopStep?: Node;
  result?: Node;
}

/** `column 3: found > but expecting end of input` */
function syntaxProblem(error: unknown): string {
  const { rawMessage, location } = error as {
    rawMessage?: string;
    location?: { start: { line: number; column: number } };
  };
  if (rawMessage === undefined || !location) return (error as Error).message;
  const { line, column } = location.start;
  return `${line > 1 ? `line ${line}, ` : ""}column ${column}: ${rawMessage}`;
}
