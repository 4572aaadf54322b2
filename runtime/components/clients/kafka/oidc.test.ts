import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { clientCredentials } from "./oidc.ts";

let server: Server;
let answer: (response: ServerResponse, form: URLSearchParams) => void;
let asked = 0;
const provider = (path = "/token") =>
  clientCredentials({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    clientId: "me",
    clientSecret: "canary",
    scopes: ["openid", "kafka"],
    extensions: { cluster: "a" },
    ca: undefined,
  });

beforeAll(async () => {
  server = createServer((request, response) => {
    let form = "";
    request.on("data", (chunk) => (form += chunk));
    request.on("end", () => {
      asked++;
      answer(response, new URLSearchParams(form));
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test("asks by client credentials, keeps the token while it lasts", async () => {
  answer = (response, form) => {
    expect(Object.fromEntries(form)).toEqual({
      grant_type: "client_credentials",
      client_id: "me",
      client_secret: "canary",
      scope: "openid kafka",
    });
    response.end(JSON.stringify({ access_token: `t${asked}`, expires_in: 60 }));
  };
  asked = 0;
  const token = provider();
  const expected = { value: "t1", extensions: { cluster: "a" } };
  expect(await Promise.all([token(), token()])).toEqual([expected, expected]);
  expect(await token()).toEqual(expected);
  expect(asked).toBe(1);
});

test("a token that has ended is asked for anew", async () => {
  answer = (response) =>
    response.end(JSON.stringify({ access_token: `t${asked}`, expires_in: -1 }));
  asked = 0;
  const token = provider();
  expect((await token()).value).toBe("t1");
  expect((await token()).value).toBe("t2");
});

test.each<[string, (response: ServerResponse) => void, string]>([
  ["an error status", (r) => r.writeHead(401).end("canary"), "it answered 401"],
  ["no JSON", (r) => r.end("canary"), "its answer is not JSON"],
  ["no token", (r) => r.end("{}"), "its answer has no access_token"],
  ["a closed connection", (r) => r.destroy(), "socket hang up"],
])("%s names the endpoint and no secret", async (_, reply, message) => {
  answer = reply;
  const error: Error = await provider()().then(
    () => new Error("accepted"),
    (refused) => refused,
  );
  expect(error.message).toContain("no token from oidcTokenEndpoint http://127");
  expect(error.message).toContain(message);
  expect(error.message).not.toContain("canary");
});
