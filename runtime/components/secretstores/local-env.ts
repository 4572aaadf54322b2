/** secretstores.local.env: the sidecar's own environment (spec components §4.3). */
import { defineSecretStore, type Secret } from "../../secret-store.ts";
import { text } from "../../metadata.ts";

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
  async ({ meta: { prefix }, env, log }) => ({
    features: [],
    async get(name): Promise<Secret> {
      const variable = prefix + name;
      if (isHidden(variable)) {
        log.warn(
          `environment variable "${variable}" is never given as a secret`,
        );
        return { [name]: "" };
      }
      const value = Object.hasOwn(env, variable) ? env[variable] : undefined;
      return Object.fromEntries([[name, value ?? ""]]);
    },
    async bulk() {
      const found: [string, Secret][] = [];
      for (const [variable, value = ""] of Object.entries(env)) {
        const name = variable.slice(prefix.length);
        if (!variable.startsWith(prefix) || name === "" || isHidden(variable))
          continue;
        found.push([name, Object.fromEntries([[name, value]])]);
      }
      return Object.fromEntries(found);
    },
    async close() {},
  }),
);
