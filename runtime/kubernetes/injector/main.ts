/** The injector makes certificate, webhook server and caBundle, in this order, and then looks after all three. */
import type { Logger } from "../../shared/log.ts";
import { issueInProcess } from "../certificates/issuer.ts";
import { keepServing } from "../certificates/serving.ts";
import { serveHealth } from "../health.ts";
import { inClusterApi, isNotFound, type KubeApi } from "../api/client.ts";
import { controlPlaneId, daprSystem, injector } from "../names.ts";
import { every, type Repeated } from "../every.ts";
import { readInjectorConfig, type InjectorState } from "./config.ts";
import { serveWebhook } from "./server.ts";
import { setCaBundle } from "./webhook-configuration.ts";
import type { Server } from "node:https";

const lookMs = 10_000;
/** The time until all nodes know that this pod takes no more requests. */
const lingerMs = 4_000;

/** Runs until `stopping`; a pod that is created meanwhile still gets its sidecar. */
export async function runInjector(
  log: Logger,
  stopping: AbortSignal,
): Promise<void> {
  const config = readInjectorConfig(process.env);
  const api = inClusterApi();
  const state: InjectorState = { trustAnchors: "", mtls: true };
  let waitsFor: string | undefined = "the serving certificate";
  let server: Server | undefined;
  let current = { certificate: "", key: "" };
  let look: Repeated | undefined;
  const health = await serveHealth(() =>
    stopping.aborted ? "stopping" : waitsFor,
  );

  const { namespace, clusterDomain, trustDomain } = config;
  const host = `${injector.service}.${namespace}.svc`;
  const serving = await keepServing({
    api,
    namespace,
    trustDomain,
    issue: issueInProcess,
    log,
    uri: controlPlaneId(trustDomain, namespace, "dapr-injector"),
    dnsNames: [host, `${host}.${clusterDomain}`],
    use: ({ certificate, key, root }) => {
      current = { certificate, key };
      state.trustAnchors = root;
      server?.setSecureContext({ cert: certificate, key });
      // The API server must trust it before the next pod.
      void look?.now();
    },
  });
  server = await serveWebhook({
    config,
    state: () => state,
    certificate: current,
    log,
  });

  waitsFor = "the webhook's caBundle";
  look = every(lookMs, log, async () => {
    state.mtls = await readMtls(api, namespace);
    if (await setCaBundle(api, state.trustAnchors))
      log.info("told the API server which certificate to trust (caBundle)");
    if (waitsFor) log.info("ready: annotated pods get their sidecar");
    waitsFor = undefined;
  });

  await new Promise((resolve) => stopping.addEventListener("abort", resolve));
  await new Promise((resolve) => setTimeout(resolve, lingerMs));
  look.stop();
  serving.stop();
  server.close();
  server.closeIdleConnections();
  health.close();
}

/** `spec.mtls.enabled` of the control plane's Configuration; true if it is not set. */
async function readMtls(api: KubeApi, namespace: string): Promise<boolean> {
  type Configuration = { spec?: { mtls?: { enabled?: boolean } } };
  try {
    const found = await api.get<Configuration>(
      `/apis/dapr.io/v1alpha1/namespaces/${namespace}/configurations/${daprSystem}`,
    );
    return found.spec?.mtls?.enabled ?? true;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
