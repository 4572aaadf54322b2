/** The sidecar's environment: its settings, and what the pod's author adds by annotation (docs/protocol/kubernetes.md). */
import type { Annotations } from "../annotations.ts";
import type { EnvVar } from "../api/objects.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";

export function sidecarEnv(
  a: Annotations,
  namespace: string,
  config: InjectorConfig,
  state: InjectorState,
  warn: (message: string) => void,
): EnvVar[] {
  const own = [
    ...plainVariables(a.text("env") ?? "", warn),
    ...secretVariables(a.text("env-from-secret") ?? "", warn),
  ];
  return [
    { name: "NAMESPACE", value: namespace },
    { name: "DAPR_TRUST_ANCHORS", value: state.trustAnchors },
    {
      name: "POD_NAME",
      valueFrom: { fieldRef: { fieldPath: "metadata.name" } },
    },
    { name: "DAPR_CONTROLPLANE_NAMESPACE", value: config.namespace },
    { name: "DAPR_CONTROLPLANE_TRUST_DOMAIN", value: config.trustDomain },
    ...own,
    ...(own.length > 0
      ? [
          {
            name: "DAPR_ENV_KEYS",
            value: own.map(({ name }) => name).join(" "),
          },
        ]
      : []),
    ...token("DAPR_API_TOKEN", a.text("api-token-secret")),
    ...token("APP_API_TOKEN", a.text("app-token-secret")),
  ];
}

/** `A=1,B=x,y`: a comma ends a value only before the next `NAME=`. */
function plainVariables(
  text: string,
  warn: (message: string) => void,
): EnvVar[] {
  return text
    .split(/,(?=\s*[A-Za-z_][\w.-]*\s*=)/)
    .map((pair) => pair.trim())
    .filter(Boolean)
    .flatMap((pair) => {
      const equals = pair.indexOf("=");
      const name = pair.slice(0, equals).trim();
      if (equals > 0 && /^[A-Za-z_.-][\w.-]*$/.test(name))
        return [{ name, value: pair.slice(equals + 1).trim() }];
      warn(`annotation dapr.io/env: "${pair}" is not NAME=VALUE; left out`);
      return [];
    });
}

/** `A=secret:key,B=secret`; the key defaults to the secret's name. */
function secretVariables(
  text: string,
  warn: (message: string) => void,
): EnvVar[] {
  return text.split(",").flatMap((pair) => {
    if (pair.trim() === "") return [];
    const [name, reference] = pair.split("=").map((part) => part.trim());
    if (!name || !reference) {
      warn(
        `annotation dapr.io/env-from-secret: "${pair.trim()}" is not NAME=SECRET or NAME=SECRET:KEY; left out`,
      );
      return [];
    }
    const [secret = "", key = secret] = reference.split(":");
    return [{ name, valueFrom: { secretKeyRef: { name: secret, key } } }];
  });
}

function token(name: string, secret: string | undefined): EnvVar[] {
  return secret
    ? [{ name, valueFrom: { secretKeyRef: { name: secret, key: "token" } } }]
    : [];
}
