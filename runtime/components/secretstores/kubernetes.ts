/** secretstores.kubernetes: Secrets of a cluster (docs/protocol/secrets.md). */
import { text } from "../../contracts/metadata.ts";
import {
  defineSecretStore,
  type Secret,
} from "../../contracts/secret-store.ts";
import { clusterAccess } from "../clients/kubernetes/kubeconfig.ts";
import { connectKubernetes } from "../clients/kubernetes/api.ts";
import { givenNamespace } from "../../shared/namespace.ts";

const metadata = {
  defaultNamespace: text(
    "Where to look when neither the request nor NAMESPACE says.",
  ),
  kubeconfigPath: text(
    "A kubeconfig file; absent: the pod's service account, KUBECONFIG or ~/.kube/config.",
  ),
};

/** A secret of the API: its values are Base64. */
interface ApiSecret {
  metadata?: { name?: string };
  data?: Record<string, string>;
}

interface ApiList {
  items?: ApiSecret[];
  metadata?: { continue?: string };
}

const pageSize = 500;

export const kubernetes = defineSecretStore(
  "secretstores.kubernetes",
  metadata,
  async ({ meta, env, log }) => {
    const access = clusterAccess(meta.kubeconfigPath, env);
    if (access.skipVerify)
      log.warn(
        `the certificate of the Kubernetes API server at ${access.server} is not checked: insecure-skip-tls-verify is set`,
      );
    const api = connectKubernetes(access);

    const folder = (request: Record<string, string>): string => {
      const namespace =
        request["namespace"] || givenNamespace(env) || meta.defaultNamespace;
      if (!namespace)
        throw new Error(
          "namespace is missing on metadata and NAMESPACE env variable, and no default namespace is set",
        );
      // A text that is no name could lead to another resource (`..`).
      if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
        throw new Error(`"${namespace}" is not a name of a namespace`);
      return `/api/v1/namespaces/${namespace}/secrets`;
    };

    return {
      features: [],
      async get(name, request) {
        if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name))
          throw new Error(`"${name}" is not a name of a secret`);
        return valuesOf(
          (await api.get(`${folder(request)}/${name}`)) as object,
        );
      },
      async bulk(request) {
        const found: [string, Secret][] = [];
        let more = "";
        do {
          const list = (await api.get(
            `${folder(request)}?limit=${pageSize}${more && `&continue=${encodeURIComponent(more)}`}`,
          )) as ApiList;
          for (const item of list.items ?? [])
            found.push([item.metadata?.name ?? "", valuesOf(item)]);
          more = list.metadata?.continue ?? "";
        } while (more);
        return Object.fromEntries(found);
      },
      async close() {
        api.close();
      },
    };
  },
);

const valuesOf = ({ data = {} }: ApiSecret): Secret =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString("utf8"),
    ]),
  );
