import type { Logger } from "../../../shared/log.ts";
import { authentication, type AuthSettings } from "./auth.ts";

const warnings: string[] = [];
const log = {
  warn: (text: string) => warnings.push(text),
} as unknown as Logger;
const settings = (own: Partial<AuthSettings>): AuthSettings => ({
  authType: undefined,
  authRequired: undefined,
  saslUsername: undefined,
  saslPassword: undefined,
  saslMechanism: undefined,
  oidcTokenEndpoint: undefined,
  oidcClientID: undefined,
  oidcClientSecret: undefined,
  oidcScopes: ["openid"],
  oidcExtensions: undefined,
  caCert: undefined,
  clientCert: undefined,
  clientKey: undefined,
  disableTls: false,
  skipVerify: false,
  ...own,
});
const of = (own: Partial<AuthSettings>) => authentication(settings(own), log);
const password = { saslUsername: "u", saslPassword: "secret" };

test.each<[Partial<AuthSettings>, string]>([
  [{}, "missing 'authType' attribute"],
  [{ authType: "awsiam" }, "authType 'awsiam' is not supported yet"],
  [
    { authType: "oidc_private_key_jwt" },
    "is not supported yet; supported: none",
  ],
  [
    { authType: "kerberos" },
    "invalid value for 'authType' attribute: kerberos",
  ],
  [{ authRequired: "maybe" }, "invalid value for 'authRequired' attribute"],
  [{ authType: "password" }, "missing 'saslUsername' attribute"],
  [{ authType: "mtls" }, "missing 'caCert' attribute for authType 'mtls'"],
  [
    { authType: "certificate", caCert: "x" },
    "invalid 'caCert': not a certificate",
  ],
  [
    { authType: "password", ...password, clientKey: "k" },
    "invalid 'clientKey'",
  ],
  [
    {
      authType: "oidc",
      oidcTokenEndpoint: "http://x",
      oidcClientID: "a",
      oidcClientSecret: "b",
      oidcExtensions: "[1]",
    },
    "invalid 'oidcExtensions'",
  ],
])("%j is refused: %s", (own, message) => {
  expect(() => of(own)).toThrow(message);
});

test("none and the old authRequired false mean neither TLS nor login", () => {
  const nothing = { tls: undefined, sasl: undefined };
  expect(of({ authType: "None" })).toEqual(nothing);
  expect(of({ authRequired: "false" })).toEqual(nothing);
});

test("the old authRequired true means password where there is one, else mtls", () => {
  expect(of({ authRequired: "true", ...password }).sasl?.mechanism).toBe(
    "plain",
  );
  expect(() => of({ authRequired: "true" })).toThrow("authType 'mtls'");
});

test.each([
  ["SHA-256", "scram-sha-256"],
  ["sha-512", "scram-sha-512"],
  ["anything", "plain"],
  [undefined, "plain"],
])("mechanism %s is %s", (saslMechanism, expected) => {
  const { sasl } = of({ authType: "password", ...password, saslMechanism });
  expect(sasl).toEqual({
    mechanism: expected,
    username: "u",
    password: "secret",
  });
});

test("TLS is on for every login unless disabled; skipVerify warns each time", () => {
  const login = { authType: "password", ...password };
  expect(of(login).tls).toMatchObject({ rejectUnauthorized: true });
  expect(of({ ...login, disableTls: true }).tls).toBeUndefined();
  warnings.length = 0;
  for (let i = 0; i < 2; i++)
    expect(of({ ...login, skipVerify: true }).tls).toMatchObject({
      rejectUnauthorized: false,
    });
  expect(warnings).toHaveLength(2);
});
