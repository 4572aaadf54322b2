import { mayBeSecretsPath } from "./secret-path.ts";

test.each([
  "/v1.0/secrets/store/key",
  "v1.0/secrets/store/bulk?metadata.x=1",
  "//v1.0//secrets/store/key",
  "/v1.0/./secrets/store/key",
  "/v1.0/state/../secrets/store/key",
  "/v1.0/%73ecrets/store/key",
  "/v1.0%2Fsecrets/store/key",
  "/v1.0/%2573ecrets/store/key",
  "/V1.0/Secrets/store/key",
  "/v1.0-alpha1/secrets/store/key",
  "\\v1.0\\secrets\\store\\key",
  "/v1.0/invoke/http://127.0.0.1:3501/method/v1.0/secrets/store/key",
  "/x/%2525252573",
])("%s may be", (path) => {
  expect(mayBeSecretsPath(path)).toBe(true);
});

test.each([
  "/",
  "/neworder",
  "/secrets",
  "/orders?path=/v1.0/secrets",
  "/v1.0/state/secrets-of-mine",
  "/a%20b%2Fc",
  "/%zz",
])("%s is not", (path) => {
  expect(mayBeSecretsPath(path)).toBe(false);
});
