import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultConfiguration } from "../../contracts/configuration.ts";
import type { Logger } from "../../shared/log.ts";
import { loadConfiguration } from "./configuration.ts";

const folder = mkdtempSync(join(tmpdir(), "configuration-"));
afterAll(() => rmSync(folder, { recursive: true }));
let lines: string[];
beforeEach(() => {
  lines = [];
});
const log = {
  info: (line: string) => lines.push(`info ${line}`),
  warn: (line: string) => lines.push(`warn ${line}`),
} as unknown as Logger;

let files = 0;
const write = (text: string): string => {
  const file = join(folder, `${++files}.yaml`);
  writeFileSync(file, text);
  return file;
};
const loadAll = (texts: string[], env: Record<string, string> = {}) =>
  loadConfiguration(texts.map(write), { env, log });
const load = (spec: string, env: Record<string, string> = {}) =>
  loadAll(
    [
      `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: c
spec:
${spec}`,
    ],
    env,
  );

test("no file, an empty file and an empty spec are the default", () => {
  expect(loadConfiguration([], { env: {}, log })).toEqual(defaultConfiguration);
  expect(loadAll([""])).toEqual(defaultConfiguration);
  expect(loadAll(["kind: Configuration\nspec:\n"])).toEqual(
    defaultConfiguration,
  );
  expect(load("  secrets:\n  accessControl:\n")).toEqual({
    ...defaultConfiguration,
    accessControl: undefined,
    nameResolution: undefined,
    apiLogging: {
      enabled: undefined,
      obfuscateUrls: false,
      omitHealthChecks: false,
    },
  });
  expect(lines).toEqual([]);
});

test("a missing file and a malformed one are fatal, with their place", () => {
  expect(() => loadConfiguration(["/no/such.yaml"], { env: {}, log })).toThrow(
    "error loading configuration: /no/such.yaml does not exist; give --config an existing file or leave it out",
  );
  expect(() => load("  secrets: [canary\n")).toThrow(
    /^error loading configuration: (?!.*canary).*\(.*\.yaml:\d+:\d+\)$/,
  );
  expect(() => loadConfiguration([folder], { env: {}, log })).toThrow(
    /error loading configuration: .* it is a folder, not a file/,
  );
});

test("secret scopes", () => {
  const { secretScopes } = load(`  secrets:
    scopes:
      - storeName: a
        defaultAccess: Deny
        allowedSecrets: ["x", "y"]
      - storeName: b
        deniedSecrets:
          - z
`);
  expect(secretScopes).toMatchObject([
    {
      storeName: "a",
      defaultAccess: "deny",
      allowedSecrets: ["x", "y"],
      deniedSecrets: [],
    },
    {
      storeName: "b",
      defaultAccess: "allow",
      allowedSecrets: [],
      deniedSecrets: ["z"],
    },
  ]);
});

test("a misspelt setting anywhere is warned about, with its line", () => {
  load(`  secrets:
    scope: []
    scopes:
      - storeName: a
        deniedSecret: [x]
  accessControl:
    defaultAction: deny
    policy: []
    policies:
      - appId: a
        namespace: n
        trustDomain: t
        defaultActions: deny
        operations:
          - { name: /x, httpVerbs: [GET], action: deny }
  components:
    denied: [state.redis]
  logging:
    apiLogging:
      obfuscateURL: true
  nameResolution:
    komponent: mdns
`);
  const told = lines.map((line) =>
    line.replace(/ \(.*\.yaml:(\d+):\d+\)$/, " at $1"),
  );
  const slip = (path: string, meant: string | undefined, line: number) =>
    `warn the Configuration's spec.${path} is not a setting${meant ? `; did you mean ${meant}?` : ""} at ${line}`;
  expect(told.sort()).toEqual(
    [
      slip("secrets.scope", "scopes", 7),
      slip("secrets.scopes.deniedSecret", "deniedSecrets", 10),
      slip("accessControl.policy", undefined, 13),
      slip("accessControl.policies.defaultActions", "defaultAction", 18),
      slip("accessControl.policies.operations.httpVerbs", "httpVerb", 20),
      slip("components.denied", undefined, 22),
      slip("logging.apiLogging.obfuscateURL", "obfuscateURLs", 25),
      slip("nameResolution.komponent", "component", 27),
    ].sort(),
  );
});

const scopes = (lines: string) => `  secrets:\n    scopes:\n${lines}`;
test.each([
  [
    scopes("      - storeName: a\n      - storeName: a\n"),
    /^a storeName is repeated in secrets configuration \(.*:9:\d+\)$/,
  ],
  [
    scopes("      - storeName: a\n        defaultAccess: never\n"),
    /^defaultAccess never can be either allow or deny \(.*:9:\d+\)$/,
  ],
  [
    scopes("      - defaultAccess: deny\n"),
    /spec\.secrets\.scopes: an entry names no storeName \(.*:8:\d+\)$/,
  ],
  [
    scopes("        storeName: a\n"),
    /spec\.secrets\.scopes must be a list, "- …" \(.*:8:\d+\)$/,
  ],
  [
    scopes("      - storeName: a\n        deniedSecrets: b\n"),
    /deniedSecrets must be a list/,
  ],
  ["  secrets: deny\n", /spec\.secrets must be a map of settings \(.*:6:\d+\)/],
  [
    "  logging:\n    apiLogging:\n      enabled: maybe\n",
    /spec\.logging\.apiLogging\.enabled must be true or false \(.*:8:\d+\)$/,
  ],
])("%j is fatal", (spec, message) => {
  expect(() => load(spec)).toThrow(message);
});

test("name resolution: its configuration as items with their places", () => {
  const { nameResolution } = load(`  nameResolution:
    component: sqlite
    configuration:
      connectionString: "/tmp/a b.db"
      updateInterval: 5s
`);
  expect(nameResolution).toEqual({
    component: "sqlite",
    version: "v1",
    configuration: [
      {
        name: "connectionstring",
        value: "/tmp/a b.db",
        at: { file: expect.any(String), line: 9, column: 25 },
      },
      {
        name: "updateinterval",
        value: "5s",
        at: { file: expect.any(String), line: 10, column: 23 },
      },
    ],
    at: { file: expect.any(String), line: 7, column: 16 },
  });
});

test("denied components and API logging", () => {
  expect(
    load(`  components:
    deny: [bindings.http, state.redis/v1]
  logging:
    apiLogging:
      enabled: true
      obfuscateURLs: yes
      omitHealthChecks: true
`),
  ).toMatchObject({
    deniedComponents: ["bindings.http", "state.redis/v1"],
    apiLogging: { enabled: true, obfuscateUrls: true, omitHealthChecks: true },
  });
});

test("later files overlay: maps are merged, lists and a resolver's settings replaced", () => {
  const file = (spec: string) => `kind: Configuration\nspec:\n${spec}`;
  expect(
    loadAll([
      file(
        "  components: { deny: [a, b] }\n  logging: { apiLogging: { enabled: true, obfuscateURLs: true } }\n  nameResolution: { component: sqlite, configuration: { a: 1, b: 2 } }\n",
      ),
      file(
        "  COMPONENTS: { deny: [c] }\n  logging: { apiLogging: { enabled: false } }\n  nameResolution: { configuration: { c: 3 } }\n",
      ),
    ]),
  ).toMatchObject({
    deniedComponents: ["c"],
    apiLogging: { enabled: false, obfuscateUrls: true },
    nameResolution: {
      component: "sqlite",
      configuration: [{ name: "c", value: "3" }],
    },
  });
});

test("$VAR and ${VAR} are expanded as Go does", () => {
  const { deniedComponents } = load(
    "  components:\n    deny: ['$A', '${B}', '$A${B}x', 'a$ b', '$', '$$', '${NONE}', '$A_', '${A-x}']\n",
    { A: "one", B: "two", A_: "long" },
  );
  expect(deniedComponents).toEqual([
    "one",
    "two",
    "onetwox",
    "a$ b",
    "$",
    "long",
  ]);
  expect(lines).toEqual(
    ["$", "NONE", "A-x"].map((name) =>
      expect.stringMatching(
        `^warn environment variable "${name.replace("$", "\\$")}" is not set and reads as nothing \\(.*\\.yaml:7\\)$`,
      ),
    ),
  );
});

test("what is not acted upon is named once, guards as a warning, slips with a guess", () => {
  load(`  tracing:
    samplingRate: "1"
  wasm:
    strictSandbox: true
  features: []
  mtls:
    enabled: false
  httpPipeline:
    handlers: []
  api:
    allowed: []
  secret:
    scopes: []
  frobnicate: 1
`);
  expect(lines).toEqual([
    expect.stringMatching(
      /^warn the Configuration's spec\.httpPipeline is not acted upon by this version: it protects nothing here \(.*:14:\d+\)$/,
    ),
    expect.stringMatching(/^warn the Configuration's spec\.api is not acted/),
    expect.stringMatching(
      /^warn the Configuration's spec\.secret is not a setting; did you mean secrets\? \(/,
    ),
    expect.stringMatching(
      /^warn the Configuration's spec\.frobnicate is not a setting \(/,
    ),
    "info These settings of the Configuration are accepted but not acted upon by this version: tracing, wasm, features",
  ]);
});

test("metrics: the newer name wins for each setting, slips are told", () => {
  const { metrics } = load(`  metric:
    enabled: false
    recordErrorCodes: true
    http: {excludeVerbs: true}
    rules:
    - name: dapr_m
      labels:
      - name: path
        regex:
          /Orders/ID: /orders/(.)
          "": x
        regexp: {}
  metrics:
    enabled: true
    http:
      increasedCardinality: false
      pathMatching: ["/a/{id}"]
      pathMatchings: []
    latencyDistributionBuckets: [100, 5]
    rules: []
`);
  expect(metrics).toEqual({
    enabled: true,
    recordErrorCodes: true,
    http: {
      increasedCardinality: false,
      pathMatching: ["/a/{id}"],
      excludeVerbs: true,
    },
    latencyBuckets: [5, 100],
    rules: [
      {
        metric: "dapr_m",
        label: "path",
        replacements: [
          {
            replacement: "/Orders/ID",
            pattern: "/orders/(.)",
            at: expect.objectContaining({ line: 15 }),
          },
          {
            replacement: "",
            pattern: "x",
            at: expect.objectContaining({ line: 16 }),
          },
        ],
      },
    ],
  });
  expect(lines).toEqual([
    expect.stringMatching(
      /^warn the Configuration's spec\.metrics\.http\.pathMatchings is not a setting; did you mean pathMatching\? \(/,
    ),
    expect.stringMatching(
      /^warn the Configuration's spec\.metric\.rules\.labels\.regexp is not a setting; did you mean regex\? \(/,
    ),
  ]);
});

test.each([
  ["{enabled: maybe}", "spec.metrics.enabled must be true or false"],
  ["{http: 1}", "spec.metrics.http must be a map of settings"],
  [
    "{latencyDistributionBuckets: [1s]}",
    'spec.metrics.latencyDistributionBuckets: "1s" is no whole number of milliseconds',
  ],
  ["{rules: {}}", "spec.metrics.rules must be a list"],
  ["{rules: [{labels: []}]}", "spec.metrics.rules: a name is missing ("],
  [
    "{rules: [{name: m, labels: [{regex: {}}]}]}",
    "spec.metrics.rules.labels: a name is missing (",
  ],
  [
    "{rules: [{name: m, labels: [{name: l, regex: {a: [b]}}]}]}",
    "spec.metrics.rules.labels.regex must map texts to patterns (",
  ],
  [
    "{rules: [{name: m, labels: [{name: l, regex: {a: b, A: c}}]}]}",
    'spec.metrics.rules.labels.regex: "A" is there twice; upper and lower case are the same here (',
  ],
])("metrics: %s ends the start", (text, message) => {
  expect(() => load(`  metrics: ${text}\n`)).toThrow(message);
});

test("other kinds in the file, and a second Configuration, are told", () => {
  const own = "kind: Configuration\nspec:\n  components: {deny: [a]}\n";
  const { deniedComponents } = loadAll([
    `kind: Component\n---\n${own}---\n${own.replace("[a]", "[b]")}`,
  ]);
  expect(deniedComponents).toEqual(["a"]);
  expect(lines).toEqual([
    expect.stringContaining("a Component among the configuration is not read"),
    expect.stringContaining("a second Configuration in one file is not read"),
  ]);
});

describe("access control", () => {
  const acl = (text: string) => load(`  accessControl:\n${text}`).accessControl;
  const policy = (more = "") =>
    `    policies:\n      - appId: caller\n        namespace: ns\n        trustDomain: td\n${more}`;

  test("nothing said is no access control", () => {
    expect(acl("    policies: []\n")).toBeUndefined();
  });

  test("a whole one", () => {
    expect(
      acl(`    defaultAction: Deny
    trustDomain: public
    policies:
      - appId: caller
        defaultAction: allow
        trustDomain: td
        namespace: ns
        operations:
          - name: op/*
            httpVerb: [post, "*"]
            action: deny
          - name: /x/**
            action: ALLOW
`),
    ).toEqual({
      defaultAction: "deny",
      trustDomain: "public",
      policies: [
        {
          appId: "caller",
          namespace: "ns",
          trustDomain: "td",
          defaultAction: "allow",
          operations: [
            { name: "/op/*", httpVerbs: ["POST", "*"], action: "deny" },
            { name: "/x/**", httpVerbs: [], action: "allow" },
          ],
        },
      ],
    });
    expect(lines).toEqual([]);
  });

  test("policies without a global default deny, and say so", () => {
    expect(acl(policy())).toMatchObject({
      defaultAction: "deny",
      trustDomain: "public",
      policies: [{ appId: "caller", defaultAction: "deny", operations: [] }],
    });
    expect(lines[0]).toMatch(
      /^warn No global default action has been specified\. Setting default global action as Deny \(/,
    );
    expect(acl("    trustDomain: td\n")).toMatchObject({
      defaultAction: "deny",
    });
    expect(acl("    trustDomain: td\n    policies: []\n")).toMatchObject({
      defaultAction: "allow",
    });
  });

  test("an action that is neither denies, with a warning", () => {
    expect(
      acl(
        `    defaultAction: alow\n${policy("        operations:\n          - name: a\n")}`,
      ),
    ).toMatchObject({
      defaultAction: "deny",
      policies: [{ operations: [{ action: "deny" }] }],
    });
    expect(lines).toEqual([
      expect.stringMatching(/action "alow" is neither allow nor deny.*:7:\d+/),
      expect.stringMatching(
        /an action that is not written is neither.*:13:\d+/,
      ),
    ]);
  });

  test("whom a policy is about must be said", () => {
    expect(() =>
      acl(`    policies:
      - appId: one
        namespace: ns
      - appId: two
        trustDomain: td
      - appId: three
        namespace: ns
        trustDomain: td
`),
    ).toThrow(
      /^invalid access control spec\. missing trustdomain for apps: \[one\], missing namespace for apps: \[two\], missing app name on at least one of the app policies: false \(.*:8:\d+\)$/,
    );
    expect(() =>
      acl("    policies:\n      - namespace: ns\n        trustDomain: td\n"),
    ).toThrow("missing app name on at least one of the app policies: true");
  });

  test("of two policies for one app the later counts", () => {
    const { policies } = acl(
      `    defaultAction: allow\n${policy("        defaultAction: allow\n")}${policy("        defaultAction: deny\n").replace("    policies:\n", "")}`,
    )!;
    expect(policies).toMatchObject([{ defaultAction: "deny" }]);
    expect(lines[0]).toContain("takes the place of an earlier one");
  });
});
