import { notActedUpon, parseFlags } from "../../sidecar/flags.ts";
import type { Container, Pod } from "../api/objects.ts";
import { readInjectorConfig } from "./config.ts";
import {
  mutate,
  type AdmissionAnswer,
  type AdmissionReview,
} from "./mutate.ts";
import type { PatchOperation } from "./pod-patch.ts";

const config = readInjectorConfig({ SIDECAR_IMAGE: "kit/dapr:1" });
const state = { trustAnchors: "ROOT", mtls: false };
const controller = "system:serviceaccount:kube-system:replicaset-controller";

function podWith(annotations: Record<string, string>, more: object = {}): Pod {
  return {
    metadata: {
      generateName: "orders-",
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [
          `dapr.io/${key}`,
          value,
        ]),
      ),
    },
    spec: { containers: [{ name: "app", image: "app:1" }], ...more },
  };
}

const reviewOf = (
  pod: Pod,
  userInfo: AdmissionReview["request"]["userInfo"] = { username: controller },
): AdmissionReview => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "u-1",
    kind: { kind: "Pod" },
    namespace: "shop",
    userInfo,
    object: pod,
  },
});

function operationsOf({ response }: AdmissionAnswer): PatchOperation[] {
  const text = Buffer.from(response.patch ?? "", "base64").toString();
  return text ? JSON.parse(text) : [];
}

/** The pod after admission, by the rules of RFC 6902 as far as the patch uses them. */
function admit(pod: Pod, settings = config) {
  const { answer, ...seen } = mutate(reviewOf(pod), settings, state);
  const result = structuredClone(pod) as never as Record<string, unknown>;
  for (const { path, value } of operationsOf(answer)) {
    const keys = path
      .slice(1)
      .split("/")
      .map((key) => key.replaceAll("~1", "/"));
    const last = keys.pop() as string;
    const parent = keys.reduce<Record<string, unknown>>(
      (at, key) => at[key] as Record<string, unknown>,
      result,
    );
    expect(parent).toBeDefined();
    if (last === "-") (parent as never as unknown[]).push(value);
    else parent[last] = value;
  }
  const admitted = result as never as Pod;
  const daprd = [
    ...(admitted.spec.containers ?? []),
    ...(admitted.spec.initContainers ?? []),
  ].find(({ name }) => name === "daprd") as Container;
  return { ...seen, answer, pod: admitted, daprd };
}

const orders = { enabled: "true", "app-id": "orders" };
/** What follows a flag. */
const valueOf = (daprd: Container, flag: string) =>
  daprd.args?.[daprd.args.indexOf(`--${flag}`) + 1];

test("an annotated pod gets the sidecar, its labels, volumes and the app's environment", () => {
  const { pod, daprd, answer, outcome } = admit(
    podWith({ ...orders, "app-port": "3000" }),
  );
  expect(outcome).toBe("added");
  expect(answer).toMatchObject({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid: "u-1", allowed: true, patchType: "JSONPatch" },
  });
  expect(daprd.image).toBe("kit/dapr:1");
  expect(daprd.command).toBeUndefined();
  expect(daprd.args).toEqual(
    `/daprd --app-id orders --app-protocol http --dapr-http-port 3500 --dapr-public-port 3501 --mode kubernetes --control-plane-address dapr-api.dapr-system.svc.cluster.local:443 --sentry-address dapr-sentry.dapr-system.svc.cluster.local:443 --app-port 3000 --dapr-grpc-port 50001 --dapr-internal-grpc-port 50002 --metrics-port 9090 --log-level info --dapr-listen-addresses [::1],127.0.0.1 --enable-metrics --dapr-graceful-shutdown-seconds -1`.split(
      " ",
    ),
  );
  expect(daprd.env?.map(({ name, value }) => [name, value])).toEqual([
    ["NAMESPACE", "shop"],
    ["DAPR_TRUST_ANCHORS", "ROOT"],
    ["POD_NAME", undefined],
    ["DAPR_CONTROLPLANE_NAMESPACE", "dapr-system"],
    ["DAPR_CONTROLPLANE_TRUST_DOMAIN", "cluster.local"],
  ]);
  expect(pod.metadata.labels).toEqual({
    "dapr.io/sidecar-injected": "true",
    "dapr.io/app-id": "orders",
    "dapr.io/metrics-enabled": "true",
  });
  expect(pod.spec.volumes).toEqual([
    {
      name: "dapr-identity-token",
      projected: {
        defaultMode: 0o644,
        sources: [
          {
            serviceAccountToken: {
              audience: "spiffe://cluster.local/ns/dapr-system/dapr-sentry",
              expirationSeconds: 7200,
              path: "token",
            },
          },
        ],
      },
    },
  ]);
  expect(daprd.volumeMounts).toEqual([
    {
      name: "dapr-identity-token",
      mountPath: "/var/run/secrets/dapr.io/sentrytoken",
      readOnly: true,
    },
  ]);
  expect(pod.spec.containers?.[0]?.env).toEqual([
    { name: "DAPR_HTTP_PORT", value: "3500" },
    { name: "DAPR_GRPC_PORT", value: "50001" },
    { name: "APP_PROTOCOL", value: "http" },
  ]);
});

test("the sidecar passes the Pod Security level restricted", () => {
  expect(admit(podWith(orders)).daprd.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  });
});

test("nothing of the author's is overwritten", () => {
  const app = {
    name: "app",
    env: [{ name: "DAPR_HTTP_PORT", value: "4000" }],
    volumeMounts: [{ name: "data", mountPath: "/data" }],
  };
  const given = podWith(orders, {
    containers: [app, { name: "second" }],
    volumes: [{ name: "data" }],
  });
  given.metadata.labels = { app: "orders" };
  const { pod } = admit(given);
  expect(pod.spec.containers?.map(({ name }) => name)).toEqual([
    "app",
    "second",
    "daprd",
  ]);
  expect(pod.spec.containers?.[0]?.env?.[0]).toEqual({
    name: "DAPR_HTTP_PORT",
    value: "4000",
  });
  expect(pod.spec.containers?.[0]?.env).toHaveLength(3);
  expect(pod.spec.volumes?.map(({ name }) => name)).toEqual([
    "data",
    "dapr-identity-token",
  ]);
  expect(pod.metadata.labels).toMatchObject({ app: "orders" });
});

// annotation, its value → flag, what follows it (undefined: nothing, it is a switch)
const flags: [string, string, string, string | undefined][] = [
  ["config", "tracing", "config", "tracing"],
  ["log-level", "debug", "log-level", "debug"],
  ["log-as-json", "yes", "log-as-json", undefined],
  ["app-protocol", "GRPC", "app-protocol", "grpc"],
  ["app-protocol", "", "app-protocol", "http"],
  ["app-max-concurrency", "4", "app-max-concurrency", "4"],
  ["app-channel-address", "127.0.0.2", "app-channel-address", "127.0.0.2"],
  ["app-ssl", "true", "app-ssl", undefined],
  ["graceful-shutdown-seconds", "9", "dapr-graceful-shutdown-seconds", "9"],
  ["block-shutdown-duration", "3s", "dapr-block-shutdown-duration", "3s"],
  ["sidecar-listen-addresses", "0.0.0.0", "dapr-listen-addresses", "0.0.0.0"],
  ["grpc-port", "50011", "dapr-grpc-port", "50011"],
  ["internal-grpc-port", "50012", "dapr-internal-grpc-port", "50012"],
  ["metrics-port", "9091", "metrics-port", "9091"],
  ["max-body-size", "8Mi", "max-body-size", "8Mi"],
  ["read-buffer-size", "8Ki", "read-buffer-size", "8Ki"],
  ["http-max-request-size", "8", "dapr-http-max-request-size", "8"],
  ["http-read-buffer-size", "8", "dapr-http-read-buffer-size", "8"],
  ["placement-host-address", "p:50005", "placement-host-address", "p:50005"],
  ["scheduler-host-address", "s:443", "scheduler-host-address", "s:443"],
  ["enable-profiling", "true", "enable-profiling", undefined],
  ["app-binding-options-timeout", "9s", "app-binding-options-timeout", "9s"],
  ["disable-init-endpoints", "config", "disable-init-endpoints", "config"],
  ["actors-disseminate-timeout", "9s", "actors-disseminate-timeout", "9s"],
  [
    "disable-builtin-k8s-secret-store",
    "true",
    "disable-builtin-k8s-secret-store",
    undefined,
  ],
  [
    "unix-domain-socket-path",
    "/sockets",
    "unix-domain-socket",
    "/var/run/dapr-sockets",
  ],
];
test.each(flags)("dapr.io/%s: %s is --%s", (name, value, flag, follows) => {
  const { daprd } = admit(podWith({ ...orders, [name]: value }));
  expect(daprd.args).toContain(`--${flag}`);
  if (follows !== undefined) expect(valueOf(daprd, flag)).toBe(follows);
});

test.each(flags)(
  "dapr.io/%s: %s is warned about if --%s is not acted upon",
  (name, value, flag, follows) => {
    const { warnings } = admit(podWith({ ...orders, [name]: value }));
    expect(warnings).toEqual(
      notActedUpon(parseFlags([`--${flag}=${follows ?? true}`])).map(
        () => `annotation dapr.io/${name} has no effect yet`,
      ),
    );
  },
);

test("an annotation that there is not is warned about, with the one that was meant", () => {
  const { warnings } = admit(podWith({ ...orders, "app-prot": "3000" }));
  expect(warnings).toEqual([
    "annotation dapr.io/app-prot is not known, so it has no effect; did you mean dapr.io/app-port?",
  ]);
});

test("what is switched off, or is nothing here, is not warned about", () => {
  const { warnings } = admit(
    podWith({
      ...orders,
      "enable-debug": "no",
      "enable-metrics": "false",
      "placement-host-address": "",
    }),
  );
  expect(warnings).toEqual([]);
});

test("API logging is said only when annotated", () => {
  const logging = (value: string) =>
    admit(podWith({ ...orders, "enable-api-logging": value })).daprd.args;
  expect(logging("true")).toContain("--enable-api-logging=true");
  expect(logging("false")).toContain("--enable-api-logging=false");
  expect(admit(podWith(orders)).daprd.args?.join(" ")).not.toContain(
    "enable-api-logging",
  );
});

test("the five flags of the health check come together, when it is on", () => {
  const off = admit(podWith({ ...orders, "app-health-threshold": "9" }));
  expect(off.daprd.args?.join(" ")).not.toContain("health");
  const on = admit(
    podWith({
      ...orders,
      "enable-app-health-check": "true",
      "app-health-threshold": "9",
    }),
  );
  expect(on.daprd.args?.join(" ")).toContain(
    "--enable-app-health-check --app-health-check-path /healthz --app-health-probe-interval 5 --app-health-probe-timeout 500 --app-health-threshold 9",
  );
});

test("mTLS and placement are off until somebody asks for them", () => {
  expect(admit(podWith(orders)).daprd.args?.join(" ")).not.toMatch(
    /mtls|placement|scheduler/,
  );
});

test("metrics can be switched off", () => {
  const { daprd, pod } = admit(
    podWith({ ...orders, "enable-metrics": "false" }),
  );
  expect(daprd.args).toContain("--enable-metrics=false");
  expect(daprd.args).not.toContain("--metrics-port");
  expect(pod.metadata.labels?.["dapr.io/metrics-enabled"]).toBe("false");
});

test("variables by annotation, from secrets too, and the list of their names", () => {
  const { daprd } = admit(
    podWith({
      ...orders,
      env: "A=1,B=x,y=,C = http://h?a=b",
      "env-from-secret": "D=db:password,E=key",
      "api-token-secret": "api",
      "app-token-secret": "app",
    }),
  );
  const secret = (name: string, key: string) => ({
    secretKeyRef: { name, key },
  });
  expect(daprd.env?.slice(5)).toEqual([
    { name: "A", value: "1" },
    { name: "B", value: "x" },
    { name: "y", value: "" },
    { name: "C", value: "http://h?a=b" },
    { name: "D", valueFrom: secret("db", "password") },
    { name: "E", valueFrom: secret("key", "key") },
    { name: "DAPR_ENV_KEYS", value: "A B y C D E" },
    { name: "DAPR_API_TOKEN", valueFrom: secret("api", "token") },
    { name: "APP_API_TOKEN", valueFrom: secret("app", "token") },
  ]);
});

test("a comma ends a value only before another NAME=", () => {
  const { daprd } = admit(podWith({ ...orders, env: "A=x,y z,B=2" }));
  expect(daprd.env?.slice(5, 7)).toEqual([
    { name: "A", value: "x,y z" },
    { name: "B", value: "2" },
  ]);
});

test("resources as annotated; one that is no quantity drops all, with a warning", () => {
  const asked = {
    "sidecar-cpu-request": "100m",
    "sidecar-memory-request": "64Mi",
    "sidecar-memory-limit": "0.5Gi",
  };
  expect(admit(podWith({ ...orders, ...asked })).daprd.resources).toEqual({
    requests: { cpu: "100m", memory: "64Mi" },
    limits: { memory: "0.5Gi" },
  });
  const bad = admit(
    podWith({ ...orders, ...asked, "sidecar-cpu-limit": "one" }),
  );
  expect(bad.daprd.resources).toBeUndefined();
  expect(bad.answer.response.warnings?.[0]).toContain(
    'dapr.io/sidecar-cpu-limit: "one" is not a quantity',
  );
});

test("probes have the defaults of 1.18 and can be changed", () => {
  const { daprd } = admit(
    podWith({ ...orders, "sidecar-readiness-probe-period-seconds": "7" }),
  );
  expect(daprd.readinessProbe).toEqual({
    httpGet: { path: "/v1.0/healthz", port: 3501 },
    initialDelaySeconds: 1,
    timeoutSeconds: 1,
    periodSeconds: 7,
    failureThreshold: 5,
  });
  expect(daprd.livenessProbe).toEqual({
    tcpSocket: { port: 3501 },
    initialDelaySeconds: 180,
    timeoutSeconds: 3,
    periodSeconds: 10,
    failureThreshold: 5,
  });
});

test("what is wrong with annotations is told to the sidecar too, once each", () => {
  const { daprd, warnings } = admit(
    podWith({
      ...orders,
      "app-port": "abc",
      "grpc-port": "many",
      "log-as-json": "treu",
      env: "broken $(A),A=1",
      "env-from-secret": "B",
      "volume-mounts": "certs",
    }),
  );
  expect(warnings).toEqual([
    'annotation dapr.io/volume-mounts: "certs" is not VOLUME:PATH; left out',
    'annotation dapr.io/grpc-port: "many" is not a whole number; ignored',
    'annotation dapr.io/env: "broken $(A)" is not NAME=VALUE; left out',
    'annotation dapr.io/env-from-secret: "B" is not NAME=SECRET or NAME=SECRET:KEY; left out',
    'annotation dapr.io/app-port: "abc" is not a whole number; ignored',
    'annotation dapr.io/log-as-json: "treu" is neither true nor false; taken as false',
  ]);
  const told = daprd.env?.find(
    ({ name }) => name === "DAPR_ANNOTATION_WARNINGS",
  );
  // Kubernetes makes $ of $$.
  expect(told?.value?.replaceAll("$$", "$").split("\n")).toEqual(warnings);
  expect(daprd.args).not.toContain("--app-port");
  expect(valueOf(daprd, "dapr-grpc-port")).toBe("50001");
});

test("volumes of the pod are mounted as asked; one it does not have is left out", () => {
  const { daprd, warnings } = admit(
    podWith(
      {
        ...orders,
        "volume-mounts": "certs:/certs,none:/x",
        "volume-mounts-rw": "data:/data",
      },
      { volumes: [{ name: "certs" }, { name: "data" }] },
    ),
  );
  expect(daprd.volumeMounts?.slice(0, 2)).toEqual([
    { name: "certs", mountPath: "/certs", readOnly: true },
    { name: "data", mountPath: "/data", readOnly: false },
  ]);
  expect(warnings[0]).toContain('no volume "none"');
});

test("a socket folder is shared with the app", () => {
  const { pod, daprd } = admit(
    podWith({ ...orders, "unix-domain-socket-path": "/sockets" }),
  );
  const name = "dapr-unix-domain-socket";
  expect(pod.spec.volumes?.[0]).toEqual({
    name,
    emptyDir: { medium: "Memory" },
  });
  expect(pod.spec.containers?.[0]?.volumeMounts).toEqual([
    { name, mountPath: "/sockets" },
  ]);
  expect(daprd.volumeMounts?.[0]).toEqual({
    name,
    mountPath: "/var/run/dapr-sockets",
  });
});

test("a certificate folder of the user's own relaxes the container", () => {
  const { daprd } = admit(podWith({ ...orders, env: "SSL_CERT_DIR=/certs" }));
  expect(daprd.securityContext).toMatchObject({
    runAsNonRoot: false,
    readOnlyRootFilesystem: false,
  });
});

test("as a native sidecar it is an init container that keeps running", () => {
  const native = { ...orders, "enable-native-sidecar": "true" };
  const { pod } = admit(podWith(native));
  expect(pod.spec.containers).toHaveLength(1);
  expect(pod.spec.initContainers?.[0]).toMatchObject({
    name: "daprd",
    restartPolicy: "Always",
  });
  expect(admit(pod).outcome).toBe("there already");
});

test("pods that do not ask, or have a sidecar, pass untouched", () => {
  for (const annotations of [{}, { enabled: "yes" }, { enabled: "false" }]) {
    const { answer, outcome } = admit(
      podWith(annotations as Record<string, string>),
    );
    expect(outcome).toBe("not asked");
    expect(answer.response).toEqual({ uid: "u-1", allowed: true });
  }
  const { pod } = admit(podWith(orders));
  const again = admit(pod);
  expect(again.outcome).toBe("there already");
  expect(again.answer.response.patch).toBeUndefined();
});

test("an impossible app id is refused with the reason", () => {
  const { answer, outcome } = admit(
    podWith({ enabled: "true", "app-id": "My.App" }),
  );
  expect(outcome).toBe("refused");
  expect(answer.response.allowed).toBe(false);
  expect(answer.response.status?.message).toContain(
    `annotation dapr.io/app-id: "My.App" can't be an app id`,
  );
  // Pods of a controller have no name yet that could serve.
  expect(admit(podWith({ enabled: "true" })).answer.response.allowed).toBe(
    false,
  );
});

test("a named pod's name is its app id", () => {
  const pod = podWith({ enabled: "true" });
  pod.metadata.name = "solo";
  expect(valueOf(admit(pod).daprd, "app-id")).toBe("solo");
});

describe("who may create pods with a sidecar", () => {
  const outcomeFor = (
    userInfo: AdmissionReview["request"]["userInfo"],
    allowed = "",
  ) => {
    const settings = readInjectorConfig({
      SIDECAR_IMAGE: "i",
      ALLOWED_SERVICE_ACCOUNTS: allowed,
    });
    return mutate(reviewOf(podWith(orders), userInfo), settings, state);
  };
  const account = (name: string) => ({
    username: `system:serviceaccount:${name}`,
  });

  test("controllers, administrators and the list", () => {
    for (const [user, allowed] of [
      [account("kube-system:job-controller"), ""],
      [{ username: "admin", groups: ["system:masters"] }, ""],
      [account("argo:server"), "flux:*, argo:server"],
      [account("flux:any"), "flux:*"],
    ] as const)
      expect(outcomeFor({ ...user } as never, allowed).outcome).toBe("added");
  });

  test("others get their pod without one, and a warning", () => {
    for (const user of [
      account("shop:default"),
      account("fluxx:any"),
      { username: "kube-system:job-controller" },
      {},
    ]) {
      const { outcome, answer } = outcomeFor(user, "flux:*");
      expect(outcome).toBe("not allowed");
      expect(answer.response).toMatchObject({ allowed: true });
      expect(answer.response.warnings?.[0]).toContain("no sidecar was added");
      // so that the watchdog leaves it alone
      expect(operationsOf(answer)).toEqual([
        { op: "add", path: "/metadata/labels", value: {} },
        {
          op: "add",
          path: "/metadata/labels/dapr.io~1sidecar-injected",
          value: "false",
        },
        {
          op: "add",
          path: "/metadata/annotations/dapr.io~1no-sidecar",
          value: expect.stringContaining("no sidecar was added"),
        },
      ]);
    }
  });
});

test("without an image there is nothing to inject", () => {
  expect(() => readInjectorConfig({})).toThrow("SIDECAR_IMAGE is not set");
});
