import { version } from "../../shared/version.ts";
import { checkNamespace, checkTimeout } from "./check-flags.ts";
import { installOptions } from "./install-flags.ts";
import { installationIn } from "./installed.ts";
import { others } from "./namespace.ts";
import { isOwn, marked } from "./ownership.ts";
import { readSettings } from "./set-flag.ts";

const flags = {
  namespace: "n",
  image: "",
  "image-registry": "",
  "runtime-version": "",
  "image-pull-policy": "",
  set: [] as string[],
};

const deployment = (
  name: string,
  env: Record<string, string>,
  managedBy = "dapr-quickstart-kit",
) => ({
  kind: "Deployment",
  metadata: {
    name,
    namespace: "dapr-system",
    creationTimestamp: "2026-11-21T08:00:00Z",
    labels: { "app.kubernetes.io/managed-by": managedBy },
  },
  spec: {
    template: {
      spec: {
        containers: [
          {
            image: "r:5000/a/dapr:0.1.0",
            imagePullPolicy: "Always" as const,
            env: Object.entries(env).map(([name, value]) => ({ name, value })),
          },
        ],
      },
    },
  },
});
const operator = deployment("dapr-operator", { WATCH_INTERVAL: "1m" });
const injector = deployment("dapr-sidecar-injector", {
  ALLOWED_SERVICE_ACCOUNTS: "ci:runner,ci:*-bot",
});

describe("what is installed already", () => {
  test("is this kit's, or another's that is left alone", () => {
    expect(installationIn([])).toBeUndefined();
    expect(installationIn([injector, operator])).toEqual({
      namespace: "dapr-system",
      image: "r:5000/a/dapr:0.1.0",
      imagePullPolicy: "Always",
      settings: {
        watchInterval: "1m",
        allowedServiceAccounts: ["ci:runner", "ci:*-bot"],
      },
    });
    expect(() =>
      installationIn([deployment("dapr-operator", {}, "Helm")]),
    ).toThrow(
      "another Dapr runs in this cluster, in namespace dapr-system: remove it",
    );
  });

  test("keeps its settings when it is installed again or upgraded, unless others are given", () => {
    const found = installationIn([operator, injector]);
    const kept = {
      allowedServiceAccounts: ["ci:runner", "ci:*-bot"],
      watchInterval: "1m",
      clusterDomain: "cluster.local",
    };
    expect(installOptions(flags, found)).toMatchObject({
      ...kept,
      imagePullPolicy: "IfNotPresent",
    });
    expect(installOptions(flags, found, true)).toMatchObject({
      ...kept,
      imagePullPolicy: "Always",
    });
    const set = ["dapr_sidecar_injector.allowedServiceAccounts=a:b"];
    expect(
      installOptions({ ...flags, set }, found).allowedServiceAccounts,
    ).toEqual(["a:b"]);
  });

  test.each([
    [{}, undefined, `localhost/dapr-quickstart-kit/dapr:${version}`],
    [
      { "image-registry": "ghcr.io/me/" },
      undefined,
      `ghcr.io/me/dapr:${version}`,
    ],
    [{ "runtime-version": "2" }, "r:5000/a/dapr:0.1.0", "r:5000/a/dapr:2"],
    [{ "runtime-version": "2" }, "r:5000/dapr@sha256:00", "r:5000/dapr:2"],
    [{ image: "x:1" }, "r:5000/a/dapr:0.1.0", "x:1"],
  ])("upgraded with %j over %s is %s", (given, image, expected) => {
    const found = image
      ? {
          namespace: "n",
          image,
          imagePullPolicy: "Never" as const,
          settings: {},
        }
      : undefined;
    expect(installOptions({ ...flags, ...given }, found, true).image).toBe(
      expected,
    );
  });
});

describe("--set", () => {
  test.each([
    [["a:b"]],
    [["a:b", "c:d"]],
    // as Helm has it escaped
    [["a:b\\", "c:d"]],
  ])("takes accounts %j", ([first, ...more]) => {
    expect(
      readSettings([
        `dapr_sidecar_injector.allowedServiceAccounts=${first}`,
        ...more,
        "dapr_operator.watchInterval=once",
      ]),
    ).toEqual({
      allowedServiceAccounts: ["a:b", "c:d"].slice(0, 1 + more.length),
      watchInterval: "once",
    });
  });

  test.each([
    ["global.ha.enabled=true", "--set global.ha.enabled: there is no such"],
    ["constructor=1", "--set constructor: there is no such"],
    ["dapr_operator.watchInterval", "a value is missing"],
    ["dapr_operator.watchInterval=10", '"10" is not 0 (off), once'],
    ["dapr_operator.watchInterval=100ms", "of at least 1s"],
    [
      "dapr_sidecar_injector.allowedServiceAccounts=builder",
      '"builder" is not NAMESPACE:NAME',
    ],
  ])("refuses %s", (piece, why) => {
    expect(() => readSettings([piece])).toThrow(why);
    if (why.includes("no such"))
      expect(() => readSettings([piece])).toThrow(
        "there are dapr_sidecar_injector.allowedServiceAccounts and dapr_operator.watchInterval",
      );
  });
});

test.each(["Bad NS!", "", "-a", "a-", "a.b", "a".repeat(64)])(
  "%j is no namespace",
  (name) => {
    expect(() => checkNamespace(name)).toThrow("can't be a namespace");
    expect(() => installOptions({ ...flags, namespace: name })).toThrow(
      "can't be a namespace",
    );
  },
);

test.each(["default", "kube-system"])("%s is not for it", (namespace) => {
  expect(() => installOptions({ ...flags, namespace })).toThrow(
    "can't be the control plane's",
  );
});

test("names that can be a namespace's, and times that can be waited", () => {
  for (const name of ["a", "dapr-system", "0-1", "a".repeat(63)])
    checkNamespace(name);
  for (const seconds of [1, 300, 86_400]) checkTimeout(seconds);
  for (const seconds of [-1, 0, 86_401])
    expect(() => checkTimeout(seconds)).toThrow(`--timeout ${seconds} is not`);
});

test.each(["bad image!", "-x", "a:b c", "http://r/dapr", "a@sha256:zz"])(
  "%j is no image",
  (image) => {
    expect(() => installOptions({ ...flags, image })).toThrow(
      `"${image}" can't be the name of an image`,
    );
  },
);

describe("a namespace", () => {
  const creationTimestamp = "2026-11-21T08:00:00Z";

  test("is the installation's own by the mark that it gets when it is made", () => {
    const metadata = { name: "shop", creationTimestamp };
    const namespace = { kind: "Namespace", metadata };
    expect(isOwn(undefined)).toBe(false);
    expect(isOwn(namespace)).toBe(false);
    expect(isOwn(marked(namespace) as typeof namespace)).toBe(true);
  });

  test("holds others' objects, and what clusters put into each", () => {
    expect(
      others(
        [
          "Deployment   web                  <none>",
          "ConfigMap    kube-root-ca.crt     <none>",
          "Secret       default-token-x1     kubernetes.io/service-account-token",
          "Secret       password             Opaque",
          "",
        ].join("\n"),
      ),
    ).toEqual(["deployment/web", "secret/password"]);
    expect(others("")).toEqual([]);
  });
});
