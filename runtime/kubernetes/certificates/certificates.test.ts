import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer, request } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fakeApi } from "../../../tests/support/fake-kubernetes.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import type { ConfigMap } from "../api/objects.ts";
import { issue } from "./issue.ts";
import { bundleProblem } from "./bundle-problem.ts";
import { keepServing, type ServingCertificate } from "./serving.ts";
import { openTrustBundle } from "./trust-bundle.ts";

const secretPath = "/api/v1/namespaces/dapr-system/secrets/dapr-trust-bundle";
const mapPath = "/api/v1/namespaces/dapr-system/configmaps/dapr-trust-bundle";

function context() {
  const named = { metadata: { name: "dapr-trust-bundle" } };
  const api = fakeApi({ [secretPath]: named, [mapPath]: named });
  return {
    api,
    namespace: "dapr-system",
    trustDomain: "cluster.local",
    issue,
    log: recordingLog(),
  };
}

const rootIn = (api: ReturnType<typeof fakeApi>) =>
  (api.objects.get(mapPath) as { data?: Record<string, string> }).data?.[
    "ca.crt"
  ];

test("an empty Secret is filled once; whoever comes later takes what is there", async () => {
  const one = context();
  const first = await openTrustBundle(one);
  expect(bundleProblem(first)).toBeUndefined();
  expect(rootIn(one.api)).toBe(first.root);
  expect(await openTrustBundle(one)).toEqual(first);
  expect(one.log.lines).toEqual([
    "info made a certificate authority in Secret dapr-system/dapr-trust-bundle: it had none",
  ]);
});

test("two programs that start together agree on one authority", async () => {
  const one = context();
  const both = await Promise.all([openTrustBundle(one), openTrustBundle(one)]);
  expect(both[0]).toEqual(both[1]);
  expect(rootIn(one.api)).toBe(both[0].root);
});

test("a root that was changed by hand is published again", async () => {
  const one = context();
  const { root } = await openTrustBundle(one);
  const map = one.api.objects.get(mapPath) as ConfigMap;
  map.data = { "ca.crt": "other", more: "kept" };
  await openTrustBundle(one);
  expect(one.api.objects.get(mapPath)).toMatchObject({
    data: { "ca.crt": root, more: "kept" },
  });
});

test("what can't serve as an authority is named", async () => {
  const mine = await openTrustBundle(context());
  const other = await openTrustBundle(context());
  const short = await issue({
    kind: "authority",
    trustDomain: "x",
    validMs: -1000,
  });
  const problems = [
    { ...mine, issuerKey: other.issuerKey },
    { ...mine, root: other.root },
    {
      root: short.root as string,
      issuer: short.certificate,
      issuerKey: short.key,
    },
    { ...mine, issuer: "nonsense" },
  ].map(bundleProblem);
  expect(problems[0]).toBe("issuer.key is not the key of issuer.crt");
  expect(problems[1]).toBe("issuer.crt is signed by no root of ca.crt");
  expect(problems[2]).toContain("a certificate ended at");
  expect(problems[3]).toContain("it can't be read");
});

test("several roots may be trusted while they change", async () => {
  const mine = await openTrustBundle(context());
  const other = await openTrustBundle(context());
  const root = other.root + mine.root;
  expect(bundleProblem({ ...mine, root })).toBeUndefined();
});

// as an installation of the original left them, or a company's own authority
test.each([
  ["ECDSA in SEC1 form", "ec", { namedCurve: "prime256v1" }, "sec1"],
  ["ECDSA P-384", "ec", { namedCurve: "secp384r1" }, "pkcs8"],
  ["RSA", "rsa", { modulusLength: 2048 }, "pkcs1"],
  ["Ed25519", "ed25519", {}, "pkcs8"],
] as const)(
  "an issuer with a key of %s signs",
  async (_name, type, more, form) => {
    const { privateKey, publicKey } = generateKeyPairSync(
      type as "rsa",
      more as { modulusLength: number },
    );
    const key = privateKey.export({ format: "pem", type: form as "pkcs1" });
    const authority = await issue({
      kind: "authority",
      trustDomain: "x",
      validMs: 3_600_000,
    });
    const { certificate } = await issue({
      kind: "serving",
      issuer: { certificate: authority.certificate, key: String(key) },
      uri: "spiffe://x",
      dnsNames: ["a"],
      validMs: 3_600_000,
    });
    expect(new X509Certificate(certificate).verify(publicKey)).toBe(true);
  },
);

test("a client that trusts the root gets through to the named host, and to no other", async () => {
  const one = context();
  let serving = {} as ServingCertificate;
  const keeper = await keepServing({
    ...one,
    uri: "spiffe://cluster.local/ns/dapr-system/dapr-operator",
    dnsNames: ["dapr-api.dapr-system.svc"],
    use: (fresh) => (serving = fresh),
  });
  const server = createServer(
    { cert: serving.certificate, key: serving.key },
    (_request, response) => response.end("hello"),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const call = (servername: string, ca: string) =>
    new Promise<string>((resolve) => {
      request({ host: "127.0.0.1", port, servername, ca }, (response) => {
        response.resume();
        resolve(String(response.statusCode));
      })
        .on("error", (error: NodeJS.ErrnoException) =>
          resolve(error.code as string),
        )
        .end();
    });
  const other = await openTrustBundle(context());
  expect(await call("dapr-api.dapr-system.svc", serving.root)).toBe("200");
  expect(await call("dapr-api.other.svc", serving.root)).toBe(
    "ERR_TLS_CERT_ALTNAME_INVALID",
  );
  expect(await call("dapr-api.dapr-system.svc", other.root)).not.toBe("200");
  keeper.stop();
  server.close();
});

test("a blanked Secret leads to a new authority and a new certificate", async () => {
  const one = context();
  const served: ServingCertificate[] = [];
  const keeper = await keepServing({
    ...one,
    uri: "spiffe://x",
    dnsNames: ["a"],
    use: (fresh) => served.push(fresh),
  });
  await keeper.look();
  expect(served).toHaveLength(1);
  one.api.objects.set(secretPath, {
    metadata: { name: "dapr-trust-bundle", resourceVersion: "99" },
    data: {},
  } as never);
  await keeper.look();
  expect(served).toHaveLength(2);
  expect(served[1]?.root).not.toBe(served[0]?.root);
  expect(rootIn(one.api)).toBe(served[1]?.root);
  expect(one.log.lines.join()).toContain("restart their apps");
  keeper.stop();
});

test("a certificate is renewed after half of its day, under the same root", async () => {
  const one = context();
  const served: ServingCertificate[] = [];
  const keeper = await keepServing({
    ...one,
    uri: "spiffe://x",
    dnsNames: ["a"],
    use: (fresh) => served.push(fresh),
  });
  const hour = 3_600_000;
  const now = jest.spyOn(Date, "now");
  now.mockReturnValue(new Date().getTime() + 11 * hour);
  await keeper.look();
  expect(served).toHaveLength(1);
  now.mockReturnValue(new Date().getTime() + 13 * hour);
  await keeper.look();
  expect(served).toHaveLength(2);
  expect(served[1]?.root).toBe(served[0]?.root);
  expect(one.log.lines.at(-1)).toBe("info renewed the serving certificate");
  now.mockRestore();
  keeper.stop();
});

test("while Kubernetes refuses it tries again and says why", async () => {
  const one = context();
  const secret = one.api.objects.get(secretPath) as never;
  one.api.objects.delete(secretPath);
  const opening = keepServing({
    ...one,
    uri: "spiffe://x",
    dnsNames: ["a"],
    use: () => {},
  });
  await waitFor("a warning", () =>
    one.log.lines.some((line) => line.includes("no serving certificate yet")),
  );
  one.api.objects.set(secretPath, secret);
  (await opening).stop();
});
