/** secretstores.kubernetes against an HTTPS server that answers like a cluster. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clusterAccess } from "../../runtime/components/clients/kubernetes/kubeconfig.ts";
import { connectKubernetes } from "../../runtime/components/clients/kubernetes/api.ts";
import { secretStores } from "../../runtime/components/index.ts";
import {
  clusterToken,
  startCluster,
  type Cluster,
} from "../support/cluster.ts";
import { hasOpenssl, makeCertificates } from "../support/tls.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { openBuiltIn, type OpenOptions } from "./open-component.ts";
import { secretStoreContract, values } from "./secret-store-contract.ts";

const folder = tempFolder("cluster");
const certificates = hasOpenssl ? makeCertificates(folder) : undefined;
let cluster: Cluster;
const whenPossible = hasOpenssl ? describe : describe.skip;

whenPossible("with a cluster,", () => {
  beforeEach(async () => {
    cluster = await startCluster(folder, certificates!);
    cluster.secrets["default"] = {
      one: { value: values[0] },
      two: { value: values[1] },
    };
    cluster.secrets["other"] = { theirs: { a: "1", b: "2" } };
  });
  afterEach(() => cluster.close());

  const open = (options: Partial<OpenOptions> = {}) =>
    openBuiltIn(secretStores, "secretstores.kubernetes", {
      ...options,
      metadata: { kubeconfigPath: cluster.kubeconfig(), ...options.metadata },
    });

  secretStoreContract(
    "secretstores.kubernetes",
    async () => ({
      metadata: { kubeconfigPath: cluster.kubeconfig() },
      request: { namespace: "default" },
      names: ["one", "two"],
    }),
    { keyOf: () => "value" },
  );

  test("the namespace is the request's, or else NAMESPACE, or else the component's", async () => {
    const metadata = { defaultNamespace: "default" };
    const store = await open({ metadata });
    const inPod = await open({ metadata, env: { NAMESPACE: "other" } });
    expect(Object.keys((await store.bulk({}))!)).toEqual(["one", "two"]);
    expect(Object.keys((await inPod.bulk({}))!)).toEqual(["theirs"]);
    expect(await store.get("theirs", { namespace: "other" })).toEqual({
      a: "1",
      b: "2",
    });
    await expect((await open()).get("one", {})).rejects.toThrow(
      "namespace is missing on metadata and NAMESPACE env variable, and no default namespace is set",
    );
  });

  test("the error has the server's own message", async () => {
    const store = await open();
    await expect(store.bulk({ namespace: "closed" })).rejects.toThrow(
      'secrets is forbidden: User "app" cannot list resource "secrets" in the namespace "closed"',
    );
  });

  test.each(["..", ".", "a/b", "a%2fb", "x?y", "", "A", "one/../../other"])(
    "%j can be neither a secret nor a namespace, and the server is not asked",
    async (name) => {
      const store = await open();
      await expect(store.get(name, { namespace: "default" })).rejects.toThrow(
        `"${name}" is not a name of a secret`,
      );
      if (name !== "")
        await expect(store.get("one", { namespace: name })).rejects.toThrow(
          `"${name}" is not a name of a namespace`,
        );
      expect(cluster.requests).toEqual([]);
    },
  );

  test("a client certificate logs in, from files and from the kubeconfig itself", async () => {
    for (const [name, text] of Object.entries({
      "client.pem": certificates!.clientCert,
      "client-key.pem": certificates!.clientKey,
    }))
      writeFileSync(join(folder, name), text);
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    for (const user of [
      "client-certificate: client.pem\n      client-key: client-key.pem",
      `client-certificate-data: ${base64(certificates!.clientCert)}\n      client-key-data: ${base64(certificates!.clientKey)}`,
    ]) {
      const kubeconfigPath = cluster.kubeconfig({ user });
      const store = await open({ metadata: { kubeconfigPath } });
      await store.get("one", { namespace: "default" });
      expect(cluster.requests.at(-1)).toMatchObject({ client: "client" });
      await store.close();
    }
  });

  test("a server with another authority is refused, and skipping the check warns each time", async () => {
    const kubeconfigPath = cluster.kubeconfig({
      cluster: "tls-server-name: elsewhere",
    });
    const wrong = { metadata: { kubeconfigPath } };
    await expect(
      (await open(wrong)).get("one", { namespace: "default" }),
    ).rejects.toThrow(/could not be asked: .*certificate/);
    expect(cluster.requests).toEqual([]);
    for (let time = 0; time < 2; time++) {
      const log: string[] = [];
      const kubeconfigPath = cluster.kubeconfig({
        cluster: "insecure-skip-tls-verify: true",
      });
      const store = await open({ metadata: { kubeconfigPath }, log });
      await store.get("one", { namespace: "default" });
      expect(log).toEqual([
        `warning the certificate of the Kubernetes API server at ${cluster.server} is not checked: insecure-skip-tls-verify is set`,
      ]);
      await store.close();
    }
  });

  test("in a pod the service account is used, and its token is read again for each request", async () => {
    const account = join(folder, "account");
    mkdirSync(account, { recursive: true });
    writeFileSync(join(account, "ca.crt"), certificates!.ca);
    writeFileSync(join(account, "token"), "old-token");
    const { hostname, port } = new URL(cluster.server);
    const env = {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
    };
    const api = connectKubernetes(clusterAccess(undefined, env, account));
    const path = "/api/v1/namespaces/default/secrets/one";
    await expect(api.get(path)).rejects.toThrow("Unauthorized");
    writeFileSync(join(account, "token"), `${clusterToken}\n`);
    expect(await api.get(path)).toMatchObject({ metadata: { name: "one" } });
    api.close();
  });
});

describe("an unusable kubeconfig", () => {
  const written = (text: string): string => {
    const file = join(folder, "broken.yaml");
    writeFileSync(file, text);
    return file;
  };
  const whole = (user: string) =>
    `current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]\nusers: [{name: u, user: ${user}}]\n`;
  test.each([
    ["a: [canary\nb: }", /line \d+ is no YAML/],
    ["", /names no current-context/],
    ["current-context: x\n", /has no context "x"/],
    [whole("{exec: {command: canary}}"), /user "u" logs in by a program/],
    [whole("{client-key: nowhere.pem}"), /client-key can't be read: ENOENT/],
  ])("%j is an error that does not quote it", async (text, message) => {
    const file = written(text);
    const error = await openBuiltIn(secretStores, "secretstores.kubernetes", {
      metadata: { kubeconfigPath: file },
    }).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(Error);
    const said = (error as Error).message;
    expect(said).toContain(`kubeconfig ${file}: `);
    expect(said).toMatch(message);
    expect(said).not.toContain("canary");
  });

  test("without a kubeconfig the error says what to set", () => {
    expect(() => clusterAccess(undefined, { HOME: folder }, folder)).toThrow(
      "set kubeconfigPath",
    );
    expect(() => clusterAccess(join(folder, "none"), {})).toThrow(
      "it can't be read: ENOENT",
    );
  });
});
