/** A component that is told not to check certificates starts, and warns each time. (Kafka and Redis over TLS are tested in tests/containers.) */
import { component } from "../support/component.ts";
import { startCluster } from "../support/cluster.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { hasOpenssl, makeCertificates } from "../support/tls.ts";

afterEach(stopAll);

const folder = tempFolder("unchecked");

(hasOpenssl ? test : test.skip)(
  "secretstores.kubernetes with insecure-skip-tls-verify",
  async () => {
    const cluster = await startCluster(folder, makeCertificates(folder));
    try {
      cluster.secrets["default"] = { one: { key: "value" } };
      const kubeconfigPath = cluster.kubeconfig({
        cluster: "insecure-skip-tls-verify: true",
      });
      for (let time = 0; time < 2; time++) {
        const sidecar = await startDaprd({
          resources: {
            "a.yaml": component("k8s", "secretstores.kubernetes", {
              kubeconfigPath,
              defaultNamespace: "default",
            }),
          },
        });
        const reply = await sidecar.call("GET", "/v1.0/secrets/k8s/one");
        expect(reply.json()).toEqual({ key: "value" });
        expect(sidecar.output()).toMatch(
          /level=warning msg="the certificate of the Kubernetes API server at https:\/\/127\.0\.0\.1:\d+ is not checked: insecure-skip-tls-verify is set"/,
        );
        await sidecar.stop();
      }
    } finally {
      await cluster.close();
    }
  },
);

test("bindings.kafka with skipVerify", async () => {
  const [port] = (await freePorts(1)) as [number];
  for (let time = 0; time < 2; time++) {
    const sidecar = await startDaprd({
      resources: {
        "a.yaml": component("kafka", "bindings.kafka", {
          brokers: `127.0.0.1:${port}`,
          publishTopic: "t",
          authType: "password",
          saslUsername: "u",
          saslPassword: "p",
          skipVerify: "true",
        }),
      },
    });
    expect(sidecar.output()).toMatch(
      /level=warning msg="kafka: skipVerify is true/,
    );
    await sidecar.stop();
  }
});
