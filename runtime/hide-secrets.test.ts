import { hideSecrets, hidingLogger } from "./hide-secrets.ts";
import type { Logger } from "./log.ts";
import { text } from "./metadata.ts";

const table = {
  password: text("", { secret: true, aliases: ["pwd"] }),
  host: text(""),
};
const item = (name: string, value: string, isSecret?: boolean) => ({
  name,
  value,
  isSecret,
});

test.each([
  ["the table's secret", item("PassWord", "hunter2!")],
  ["its alias", item("pwd", "hunter2!")],
  ["what a store gave", item("host", "hunter2!", true)],
  ["a password in a URL", item("host", "redis://me:hunter2!@h:1/x")],
  ["one with an escape", item("host", "pg://me:hunter2%21@h")],
  ["one in a connection string", item("host", "host=h password=hunter2! x=y")],
  ["a quoted one", item("host", "user=u Password = 'hunter2!'")],
])("%s is hidden", (_, secret) => {
  const hide = hideSecrets([secret], table);
  expect(hide('no login with "hunter2!" at hunter2!@h')).toBe(
    'no login with "***" at ***@h',
  );
});

test("also as JSON writes it and as a URL carries it", () => {
  const hide = hideSecrets([item("password", 'a"b c/d\n')], table);
  expect(hide('{"p":"a\\"b c/d"} a%22b%20c%2Fd a"b c/d')).toBe(
    '{"p":"***"} *** ***',
  );
});

test("a longer secret is hidden before one it holds", () => {
  const hide = hideSecrets(
    [item("host", "abcd", true), item("password", "abcdefgh")],
    table,
  );
  expect(hide("abcdefgh abcd abc")).toBe("*** *** abc");
});

test("what is no secret, or too short, stays", () => {
  const hide = hideSecrets(
    [item("host", "localhost"), item("password", "abc"), item("pwd", "")],
    table,
  );
  expect(hide("localhost abc")).toBe("localhost abc");
});

test("a log hides in every level and scope", () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log: Logger = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    always: write,
    scope: () => log,
  };
  const hidden = hidingLogger(
    log,
    hideSecrets([item("password", "hunter2!")], table),
  ).scope("inner");
  for (const level of ["debug", "info", "warn", "error", "fatal"] as const)
    hidden[level](`${level} hunter2!`);
  hidden.always("always hunter2!", {});
  expect(lines).toEqual([
    "debug ***",
    "info ***",
    "warn ***",
    "error ***",
    "fatal ***",
    "always ***",
  ]);
});
