/** `dapr run -k -f`, `stop -k -f` and `mtls renew-certificate` of the shipped CLI, with a kubectl that only answers. */
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { fakeKubectl } from "../support/fake-kubectl.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificates } from "../support/tls.ts";
import { waitFor } from "../wait-for.ts";
import { cli, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

function cluster() {
  const kubectl = fakeKubectl();
  const { answer } = kubectl;
  answer("get --raw /version", "{}");
  answer("get configurations.dapr.io/appconfig", "");
  answer("get -f -", "");
  answer("get pods", { items: [] });
  answer("rollout", "");
  answer("apply", "");
  answer("delete", "");
  answer("get deployment/orders", "deployment.apps/orders");
  answer("logs --follow -n default -l app=orders -c orders", "one order\n", {
    stays: true,
  });
  answer("logs --follow -n default -l app=orders -c daprd", "a log line\n", {
    stays: true,
  });
  const dapr = (...args: string[]) => cli(args, { cwd: dir, env: kubectl.env });
  return { ...kubectl, dapr };
}

const appDir = join(dir, "orders");
const runFile = join(dir, "dapr.yaml");
const deployFolder = join(appDir, ".dapr", "deploy");

beforeAll(() => {
  mkdirSync(appDir);
  writeFileSync(
    runFile,
    `
version: 1
common:
  env: {REGION: eu}
apps:
  - appDirPath: orders
    appPort: 3000
    enableApiLogging: true
    maxBodySize: 8Mi
    containerImage: registry/orders:1
    containerImagePullPolicy: IfNotPresent
    createService: true
    appLogDestination: console
`,
  );
});

test("run -k -f deploys each app, prints its log, and deletes it at the end", async () => {
  const { answer, calls, dapr } = cluster();
  answer("get configurations.dapr.io/appconfig", "configuration/appconfig");
  const run = dapr("run", "-k", "-f", runFile);
  await run.prints("== APP - orders == one order");
  const deployment = join(deployFolder, "deployment.yaml");
  const service = join(deployFolder, "service.yaml");
  expect(run.out).toContain(
    [
      "ℹ️  This is a preview feature and subject to change in future releases.",
      'ℹ️  Deploying app "orders" to Kubernetes',
      `ℹ️  Deploying deployment YAML "${deployment}" to Kubernetes`,
      `ℹ️  Deploying service YAML "${service}" to Kubernetes`,
      "ℹ️  Starting to monitor Kubernetes pods for deletion.",
    ].join("\n"),
  );
  expect(parse(readFileSync(deployment, "utf8"))).toMatchObject({
    kind: "Deployment",
    metadata: { name: "orders", namespace: "default" },
    spec: {
      replicas: 1,
      template: {
        metadata: {
          annotations: {
            "dapr.io/enabled": "true",
            "dapr.io/app-id": "orders",
            "dapr.io/config": "appconfig",
            "dapr.io/app-port": "3000",
            "dapr.io/enable-api-logging": "true",
            "dapr.io/max-body-size": "8Mi",
          },
        },
        spec: {
          containers: [
            {
              name: "orders",
              image: "registry/orders:1",
              imagePullPolicy: "IfNotPresent",
              env: [{ name: "REGION", value: "eu" }],
              ports: [{ containerPort: 3000 }],
            },
          ],
        },
      },
    },
  });
  expect(parse(readFileSync(service, "utf8"))).toMatchObject({
    kind: "Service",
    spec: { type: "LoadBalancer", ports: [{ port: 80, targetPort: 3000 }] },
  });
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
  expect(run.out).toContain(
    `ℹ️  Received signal to stop. Deleting K8s Dapr app deployments.\nℹ️  Deleting "${service}" from Kubernetes\nℹ️  Deleting "${deployment}" from Kubernetes\n`,
  );
  expect(calls().at(-1)!.args).toBe(
    `delete --ignore-not-found -f ${deployment}`,
  );
});

test("run -k ends when its Deployments are gone, as after stop -k in another terminal", async () => {
  const { answer, calls, dapr } = cluster();
  answer("get deployment/orders", "");
  for (const container of ["orders", "daprd"])
    answer(
      `logs --follow -n default -l app=orders -c ${container}`,
      "last line\n",
    );
  const stop = dapr("stop", "-k", "-f", runFile);
  expect(await stop.exit).toBe(0);
  expect(stop.out).toContain(
    "✅  Dapr and app processes stopped successfully\n",
  );
  const run = dapr("run", "-k", "-f", runFile);
  expect(await run.exit).toBe(0);
  expect(run.out).toContain("== APP - orders == last line\n");
  expect(run.out).not.toContain("Received signal");
  expect(
    calls().filter(({ args }) => args.startsWith("delete")).length,
  ).toBeGreaterThanOrEqual(4);
});

test("an app that does not come up is deleted, and the error comes last", async () => {
  const { answer, calls, dapr } = cluster();
  answer("rollout status", "", { code: 1, err: "timed out waiting" });
  const run = dapr("run", "-k", "-f", runFile);
  expect(await run.exit).toBe(1);
  expect(run.err).toMatch(/^❌ {2}orders is not running: timed out waiting/);
  expect(calls().at(-1)!.args).toMatch(/^delete .*deployment\.yaml$/);
});

test("somebody else's Deployment of that name is left alone", async () => {
  const { answer, calls, dapr } = cluster();
  answer("get -f -", {
    items: [
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "orders", namespace: "default" },
      },
    ],
  });
  const run = dapr("run", "-k", "-f", runFile);
  expect(await run.exit).toBe(1);
  expect(run.err).toContain(
    "the cluster has a Deployment or Service orders that `dapr run -k` did not make",
  );
  expect(calls().some(({ args }) => /^(apply|delete)/.test(args))).toBe(false);
});

test.each([
  ["containerImage: registry/orders:1", "", "containerImage is missing"],
  ["IfNotPresent", "Sometimes", "containerImagePullPolicy"],
  ["appPort: 3000", "", "createService needs an appPort"],
  [
    "appDirPath: orders",
    "appDirPath: orders\n    appID: A_b",
    "can't be an app id",
  ],
])("a run file with %j as %j is refused", async (was, is, message) => {
  const { calls, dapr } = cluster();
  const file = join(tempFolder("run-k"), "wrong.yaml");
  writeFileSync(
    file,
    readFileSync(runFile, "utf8")
      .replace("appDirPath: orders", `appDirPath: ${appDir}`)
      .replace(
        was.replace("appDirPath: orders", `appDirPath: ${appDir}`),
        is.replace("appDirPath: orders", `appDirPath: ${appDir}`),
      ),
  );
  const run = dapr("run", "-k", "-f", file);
  expect(await run.exit).toBe(1);
  expect(run.err).toMatch(/^❌ {2}Error validating run config for app "/);
  expect(run.err).toContain(message);
  expect(calls()).toEqual([]);
});

test("-k without a run file is a usage error", async () => {
  const { dapr } = cluster();
  for (const command of ["run", "stop"]) {
    const run = dapr(command, "-k");
    expect(await run.exit).toBe(255);
    expect(run.out).toBe("-k needs the run file of the apps: -f dapr.yaml\n");
  }
  expect(existsSync(join(dir, ".dapr"))).toBe(false);
});

const operator = {
  kind: "Deployment",
  metadata: {
    name: "dapr-operator",
    namespace: "dapr-system",
    creationTimestamp: "2026-11-21T08:00:00Z",
    labels: { "app.kubernetes.io/managed-by": "dapr-quickstart-kit" },
  },
  spec: { template: { spec: { containers: [{ image: "r/dapr:0.1.0" }] } } },
};
const secret = {
  kind: "Secret",
  metadata: {
    name: "dapr-trust-bundle",
    namespace: "dapr-system",
    creationTimestamp: "2026-11-21T08:00:00Z",
    resourceVersion: "7",
  },
  data: { "ca.crt": "b2xk", "issuer.crt": "b2xk", "issuer.key": "b2xk" },
};

function installed() {
  const found = cluster();
  found.answer("get deployments", { items: [operator] });
  found.answer("get secrets", { items: [secret] });
  found.answer("replace", "");
  return found;
}

/** A root that is its own issuer will do. */
const authority = makeCertificates(tempFolder("authority"));

test("renew-certificate has the operator make an authority, and replaces the Secret's", async () => {
  const { answer, calls, dapr } = installed();
  const folder = tempFolder("renewed");
  answer("exec -i -n dapr-system deployment/dapr-operator", {
    root: authority.ca,
    certificate: authority.cert,
    key: authority.key,
  });
  const run = dapr("mtls", "renew-certificate", "-k", "--valid-until", "30");
  expect({ code: await run.exit, err: run.err }).toEqual({ code: 0, err: "" });
  const ends = new Date(
    Math.min(
      ...[authority.ca, authority.cert].map((pem) =>
        Date.parse(new X509Certificate(pem).validTo),
      ),
    ),
  ).toUTCString();
  expect(run.out).toContain(
    [
      "⌛  Starting certificate rotation",
      "ℹ️  generating fresh certificates",
      "ℹ️  Updating certificates in your Kubernetes cluster",
      `✅  Certificate rotation is successful! Your new certificate is valid through ${ends.replace("GMT", "UTC")}`,
      "⚠  Restart the apps",
    ].join("\n"),
  );
  const asked = calls().find(({ args }) => args.startsWith("exec"))!;
  expect(JSON.parse(asked.input)).toEqual({
    kind: "authority",
    trustDomain: "cluster.local",
    validMs: 30 * 86_400_000,
  });
  const replaced = calls().find(({ args }) => args === "replace -f -")!;
  const object = JSON.parse(replaced.input) as typeof secret;
  expect(object.metadata.resourceVersion).toBe("7");
  const decoded = Buffer.from(object.data["issuer.key"], "base64");
  expect(decoded.toString()).toBe(authority.key);
  // Keys are never among arguments, which everybody on the machine can read.
  expect(calls().some(({ args }) => args.includes("PRIVATE"))).toBe(false);
  expect(existsSync(join(folder, "issuer.key"))).toBe(false);
});

test("renew-certificate --restart restarts both programs of the control plane", async () => {
  const { answer, calls, dapr } = installed();
  answer("exec -i", {
    root: authority.ca,
    certificate: authority.cert,
    key: authority.key,
  });
  const run = dapr("mtls", "rnc", "-k", "--restart");
  expect(await run.exit).toBe(0);
  expect(calls().map(({ args }) => args)).toContain(
    "rollout restart -n dapr-system deployment/dapr-operator deployment/dapr-sidecar-injector",
  );
});

test("an authority of the user's own is checked before it is stored", async () => {
  const folder = tempFolder("own-authority");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const key = write("key", authority.key);
  const other = write(
    "other",
    privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  const renew = async (issuerKey: string) => {
    const found = installed();
    const run = found.dapr(
      "mtls",
      "renew-certificate",
      "-k",
      "--ca-root-certificate",
      write("ca", authority.ca),
      "--issuer-public-certificate",
      write("issuer", authority.cert),
      "--issuer-private-key",
      issuerKey,
    );
    const code = await run.exit;
    return {
      code,
      run,
      stored: found.calls().some(({ args }) => args.startsWith("replace")),
    };
  };
  const right = await renew(key);
  expect(right).toMatchObject({ code: 0, stored: true });
  expect(right.run.out).not.toContain("generating");
  const wrong = await renew(other);
  expect(wrong).toMatchObject({ code: 1, stored: false });
  expect(wrong.run.err).toContain(
    "❌  certificate rotation failed: the new authority is none: issuer.key is not the key of issuer.crt",
  );
});

test.each([
  [["--ca-root-certificate", "x"], "takes all three of its files"],
  [["--valid-until", "0"], "--valid-until 0 is no number of days"],
  [["--private-key", "x"], "--private-key is not in this version"],
])("renew-certificate %j is refused", async (args, message) => {
  const { calls, dapr } = installed();
  const run = dapr("mtls", "renew-certificate", "-k", ...args);
  expect(await run.exit).toBe(1);
  expect(run.err).toContain(`❌  certificate rotation failed: `);
  expect(run.err).toContain(message);
  expect(calls()).toEqual([]);
});

test("a slip in the word after mtls is named", async () => {
  const { dapr } = installed();
  const run = dapr("mtls", "renew-certificat", "-k");
  expect(await run.exit).toBe(255);
  await waitFor("the hint", () => run.err.includes("renew-certificate\n"));
});
