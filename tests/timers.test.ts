/** Times that come from settings go through runtime/shared/timers.ts, since Node's own timers make 1 ms of times that are too long. */
import { readFileSync } from "node:fs";
import { parseSync } from "@swc/core";
import { sources } from "./support/sources.ts";

type Node = Record<string, unknown> & { type?: string };

const children = (node: Node): Node[] =>
  Object.values(node).flatMap((value) =>
    (Array.isArray(value) ? value : [value]).filter(
      (one): one is Node => typeof one === "object" && one !== null,
    ),
  );

function* all(node: Node): Generator<Node> {
  yield node;
  for (const child of children(node)) yield* all(child);
}

const nameOf = (node: unknown) =>
  (node as { value?: string } | undefined)?.value;

/** The names of a file's numeric constants. */
function numbersOf(body: Node[]): Set<string> {
  const numbers = new Set<string>();
  for (const statement of body) {
    const inner = (statement["declaration"] ?? statement) as Node;
    if (inner["kind"] !== "const") continue;
    for (const { id, init } of inner["declarations"] as Node[])
      if (isFixed(init as Node, numbers)) numbers.add(nameOf(id)!);
  }
  return numbers;
}

/** Whether a time is a number in the file, or limited by one. */
function isFixed(node: Node | null, numbers: ReadonlySet<string>): boolean {
  switch (node?.type) {
    case "NumericLiteral":
      return true;
    case "Identifier":
      return numbers.has(nameOf(node)!);
    case "ParenthesisExpression":
      return isFixed(node["expression"] as Node, numbers);
    case "BinaryExpression":
      return ["left", "right"].every((side) =>
        isFixed(node[side] as Node, numbers),
      );
    case "ConditionalExpression":
      return ["consequent", "alternate"].every((side) =>
        isFixed(node[side] as Node, numbers),
      );
    case "CallExpression": {
      if (nameOf(node["callee"]) === "libraryMs") return true;
      const { object, property } = node["callee"] as Record<string, unknown>;
      const given = (node["arguments"] as { expression: Node }[]).map(
        ({ expression }) => isFixed(expression, numbers),
      );
      if (!object || nameOf(object) !== "Math") return false;
      return nameOf(property) === "min"
        ? given.includes(true)
        : !given.includes(false);
    }
    default:
      return false;
  }
}

/** Calls of Node's timers whose time is not fixed in the file, such as `setTimeout(ms)`. */
function looseTimers(text: string): string[] {
  const module = parseSync(text, {
    syntax: "typescript",
    target: "es2024",
  }) as unknown as Node;
  const body = module["body"] as Node[];
  const numbers = numbersOf(body);
  /** For each timer: which argument is the time. */
  const timers = new Map([
    ["setTimeout", 1],
    ["setInterval", 1],
  ]);
  for (const { source, specifiers } of body as {
    source?: { value: string };
    specifiers?: {
      local: { value: string };
      imported?: { value: string } | null;
    }[];
  }[])
    if (source?.value === "node:timers/promises")
      for (const { local, imported } of specifiers ?? [])
        if (/^set(Timeout|Interval)$/.test((imported ?? local).value))
          timers.set(local.value, 0);
  const found: string[] = [];
  for (const node of all(module)) {
    if (node.type !== "CallExpression") continue;
    const callee = node["callee"] as Node;
    const isSignal =
      nameOf(callee["object"]) === "AbortSignal" &&
      nameOf(callee["property"]) === "timeout";
    const name = isSignal ? "AbortSignal.timeout" : nameOf(callee);
    const at = isSignal ? 0 : timers.get(name ?? "");
    if (at === undefined) continue;
    const time = (node["arguments"] as { expression: Node }[])[at];
    if (!time || !isFixed(time.expression, numbers))
      found.push(
        `${name}(${nameOf(time?.expression) ?? time?.expression.type})`,
      );
  }
  return found;
}

test.each([
  ["setTimeout(f, 5)", []],
  ["const ms = 60 * 1000; setTimeout(f, ms)", []],
  ["const ms = 5; setTimeout(f, Math.min(x, ms))", []],
  ["setTimeout(f, ms)", ["setTimeout(ms)"]],
  ["setInterval(f, options.ms)", ["setInterval(MemberExpression)"]],
  ["AbortSignal.timeout(ms)", ["AbortSignal.timeout(ms)"]],
  [
    'import { setTimeout as pause } from "node:timers/promises"; pause(ms)',
    ["pause(ms)"],
  ],
])("%s", (text, expected) => {
  expect(looseTimers(text)).toEqual(expected);
});

test("no time from outside goes into one of Node's own timers", () => {
  const loose = sources("runtime")
    .filter((file) => file !== "runtime/shared/timers.ts")
    .flatMap((file) =>
      looseTimers(readFileSync(file, "utf8")).map((call) => `${file} ${call}`),
    );
  expect(loose).toEqual([]);
});
