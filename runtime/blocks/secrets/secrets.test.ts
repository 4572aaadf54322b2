import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { SecretStore } from "../../contracts/secret-store.ts";
import { createSecrets } from "./secrets.ts";
import { stayingCall } from "../../../tests/support/call.ts";

const store: SecretStore = {
  features: [],
  get: async () => ({}),
  bulk: async () => ({}),
  close: async () => {},
};
const scope = (storeName: string, line: number) => ({
  storeName,
  defaultAccess: "deny" as const,
  allowedSecrets: [],
  deniedSecrets: [],
  at: { file: "c.yaml", line, column: 9 },
});

test("a scope of a store that is not there is warned about, with its line", () => {
  const secrets = createSecrets({
    scopes: [scope("vault", 8), scope("Vault", 10), scope(" vault", 12)],
  });
  secrets.add("vault", store, messageOf);
  const lines: string[] = [];
  secrets.tellIdleScopes({
    warn: (line: string) => lines.push(line),
  } as unknown as Logger);
  expect(lines).toEqual(
    [
      ["Vault", 10],
      [" vault", 12],
    ].map(
      ([name, line]) =>
        `spec.secrets.scopes: there is no secret store "${name}", so this entry protects nothing; names compare exactly, loaded: vault (c.yaml:${line}:9)`,
    ),
  );
});

test("what a store rejects with is told as its component explains it", async () => {
  const secrets = createSecrets({ scopes: [] });
  const fail = async () => {
    throw new Error("no answer from canary.example");
  };
  secrets.add("vault", { ...store, get: fail, bulk: fail }, (error) =>
    messageOf(error).replace("canary.example", "***"),
  );
  for (const asked of [
    secrets.get("vault", "k", {}, stayingCall),
    secrets.bulk("vault", {}, stayingCall),
    secrets.read("vault", "k"),
  ])
    await expect(asked).rejects.toThrow(/no answer from \*\*\*$/);
});
