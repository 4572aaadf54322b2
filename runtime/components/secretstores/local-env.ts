/** secretstores.local.env: the sidecar's own environment (docs/protocol/secrets.md). */
import {
  defineSecretStore,
  type Secret,
} from "../../contracts/secret-store.ts";
import { text } from "../../contracts/metadata.ts";

const metadata = {
  prefix: text(
    "Put before a name that is asked for; names in a bulk answer come without it.",
    { default: "" },
  ),
};

/** The tokens of the sidecar and of the app, and Dapr's own settings. */
const isHidden = (name: string) =>
  /^(APP_API_TOKEN$|DAPR_)/.test(name.toUpperCase());

export const localEnv = defineSecretStore(
  "secretstores.local.env",
  metadata,
  async ({ meta: { prefix }, env, log }) => {
    // Looked up by exact name: the system's own look-up ends a name at NUL, and finds `A=B` in the value of A.
    const variables = new Map(Object.entries(env));
    return {
      features: [],
      async get(name): Promise<Secret> {
        const variable = prefix + name;
        if (isHidden(variable)) {
          log.warn(
            `environment variable "${variable}" is never given as a secret`,
          );
          return { [name]: "" };
        }
        return Object.fromEntries([[name, variables.get(variable) ?? ""]]);
      },
      async bulk() {
        const found: [string, Secret][] = [];
        for (const [variable, value = ""] of variables) {
          const name = variable.slice(prefix.length);
          if (!variable.startsWith(prefix) || name === "" || isHidden(variable))
            continue;
          found.push([name, Object.fromEntries([[name, value]])]);
        }
        return Object.fromEntries(found);
      },
      async close() {},
    };
  },
);
