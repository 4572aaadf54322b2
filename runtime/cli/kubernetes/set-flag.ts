/** `--set KEY=VALUE` of `dapr init -k` and `upgrade -k`: those Helm values of the original that this installation has too. */
import type { InstallOptions } from "../../kubernetes/manifests/options.ts";
import { CommandError } from "../command.ts";

type Settings = Partial<
  Pick<InstallOptions, "allowedServiceAccounts" | "watchInterval">
>;

const settings: Record<string, (value: string) => Settings> = {
  "dapr_sidecar_injector.allowedServiceAccounts": (value) => ({
    allowedServiceAccounts: readAccounts(value),
  }),
  "dapr_operator.watchInterval": (value) => ({
    watchInterval: readInterval(value),
  }),
};

export const setFlag = {
  type: "list",
  about: `A setting, KEY=VALUE; keys: ${Object.keys(settings).join(", ")}`,
} as const;

/** Takes the pieces between commas. A piece without `=`, or behind Helm's `\,`, belongs to the value before it. */
export function readSettings(pieces: readonly string[]): Settings {
  const pairs: string[] = [];
  for (const piece of pieces) {
    const last = pairs.length - 1;
    if (last >= 0 && !piece.includes("="))
      pairs[last] = `${pairs[last]!.replace(/\\$/, "")},${piece}`;
    else pairs.push(piece);
  }
  const read: Settings = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const key = at < 0 ? pair : pair.slice(0, at);
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (!setting)
      throw new CommandError(
        `--set ${key}: there is no such setting here; there are ${Object.keys(settings).join(" and ")}`,
      );
    if (at < 0)
      throw new CommandError(`--set ${key}: a value is missing: ${key}=VALUE`);
    Object.assign(read, setting(pair.slice(at + 1)));
  }
  return read;
}

/** As the injector reads it: a wildcard does not reach across the colon. */
export function readAccounts(value: string): string[] {
  const accounts = value
    .split(",")
    .map((account) => account.trim())
    .filter(Boolean);
  const wrong = accounts.find(
    (one) => !/^[-.*a-z0-9]+:[-.*a-z0-9]+$/.test(one),
  );
  if (wrong)
    throw new CommandError(
      `--set dapr_sidecar_injector.allowedServiceAccounts: "${wrong}" is not NAMESPACE:NAME of a service account ("*" stands for any letters), or several of them with "," between`,
    );
  return accounts;
}

function readInterval(value: string): string {
  if (!/^(0|once|[1-9]\d*(s|m|h)|[1-9]\d{3,}ms)$/.test(value))
    throw new CommandError(
      `--set dapr_operator.watchInterval: "${value}" is not 0 (off), once, or a duration of at least 1s such as 10s`,
    );
  return value;
}
