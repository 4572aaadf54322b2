import { hideSecrets, hidingLogger } from "./hide-secrets.ts";
import type { Logger } from "../shared/log.ts";
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

const url = "postgres://CanaryUser:pw-canary@DB.canary.example:25432/canary_db";
const pairs =
  "host=db.canary.example port=25432 user=CanaryUser password=Hello pw-canary dbname=canary_db sslmode=CanaryMode";

test.each([
  [url, 'getaddrinfo ENOTFOUND db.canary.example:25432, "canaryuser"'],
  [pairs, 'getaddrinfo ENOTFOUND db.canary.example, "CANARYMODE"'],
  [pairs, 'what follows "pw-canary"; user "CanaryUser"; "canary_db"'],
  ["a.example:1,canary.example:2", "redis at canary.example:2 and canary"],
  ["./files/CanaryRoot", "file not found: /home/me/files/CanaryRoot/nofile"],
  ["canary.Prefix_", 'relation "canary.prefix_state"; schema "canary"'],
  ["p%40canary", "p@canary p%40canary"],
  ["a|canary/d*e|x", "an error on canary/d*e"],
])("no part of %s shows in an error", (value, message) => {
  const hide = hideSecrets([item("host", value, true)], table);
  expect(hide(message)).not.toMatch(/canary/i);
});

test("parts of a secret leave other words as they are", () => {
  const hide = hideSecrets(
    [
      item("host", "host=h user=postgres password=x dbname=able", true),
      item(
        "password",
        "-----BEGIN PRIVATE KEY-----\nMIIEcanary\n-----END PRIVATE KEY-----",
      ),
    ],
    table,
  );
  const message =
    'postgresql: the host, user, password and dbname are unable; user "postgres"; no PRIVATE KEY in MIIEcanary';
  expect(hide(message)).toBe(
    'postgresql: the host, user, password and dbname are unable; user "***"; no PRIVATE KEY in ***',
  );
});

test.each([url, pairs.replace("Hello pw-canary", "'Hello pw-canary'")])(
  "the host of %s that stands in a file is told, its password is not",
  (value) => {
    const hide = hideSecrets([item("connectionString", value)], {
      connectionString: text("", { secret: true }),
    });
    expect(
      hide(`db.canary.example:25432: Hello pw-canary pw-canary; ${value}`),
    ).toMatch(/^db.canary.example:25432: .*\*\*\*; \*\*\*$/);
    expect(hide("pw-canary")).toBe("***");
  },
);

test("a long secret is hidden too", () => {
  const secret = `${"ab.".repeat(400_000)}end`;
  const hide = hideSecrets([item("password", secret)], table);
  expect(hide(`it is ${secret}`)).toBe("it is ***");
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
