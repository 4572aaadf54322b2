import type { IncomingHttpHeaders } from "node:http";
import { refusalOf } from "./guard.ts";

const own = "http://localhost:8080";
const host = "localhost:8080";

const get = (headers: IncomingHttpHeaders, path = "/api/events") =>
  refusalOf("GET", path, headers)?.status;

const post = (headers: IncomingHttpHeaders) =>
  refusalOf("POST", "/api/call", {
    host,
    origin: own,
    "content-type": "application/json",
    "x-dapr-dashboard": "1",
    ...headers,
  })?.status;

test.each([
  "localhost:8080",
  "LOCALHOST:8080",
  "127.0.0.1:8080",
  "127.1.2.3:8080",
  "[::1]:8080",
  // Forwarded from another port.
  "localhost:8081",
  "localhost",
])("Host %s is the dashboard's", (name) => {
  expect(get({ host: name })).toBeUndefined();
});

test.each([
  "",
  "localhost:08080x",
  "evil.example:8080",
  "127.0.0.1.evil.example:8080",
  "localhost.evil.example:8080",
  "evil.localhost:8080",
  "10.0.0.1:8080",
  "[::2]:8080",
  "127.0.0.1:8080@evil.example",
  "localhost:8080 ",
])("Host %j is not, whatever is asked for", (name) => {
  expect(get({ host: name })).toBe(403);
  expect(get({ host: name }, "/")).toBe(403);
  expect(post({ host: name, origin: `http://${name}` })).toBe(403);
});

test("behind a forwarded port its page may ask, and a page of another port may not", () => {
  const forwarded = "localhost:8081";
  const origin = `http://${forwarded}`;
  expect(post({ host: forwarded, origin })).toBeUndefined();
  expect(post({ host: forwarded, origin: own })).toBe(403);
  expect(post({ host, origin })).toBe(403);
  expect(get({ host: forwarded, origin: own })).toBe(403);
});

test.each([
  [{ "sec-fetch-site": "cross-site" }],
  [{ "sec-fetch-site": "same-site" }],
  [{ origin: "http://evil.example" }],
  [{ origin: "http://localhost:3000" }],
  [{ origin: "null" }],
])("a page elsewhere, %j, may not ask the API", (headers) => {
  expect(get({ host, ...headers })).toBe(403);
  expect(post(headers)).toBe(403);
});

test.each([
  [{ "sec-fetch-site": "same-origin" }],
  [{ "sec-fetch-site": "none" }],
  [{ origin: own }],
  [{}],
])("the page itself and a program may: %j", (headers) => {
  expect(get({ host, ...headers })).toBeUndefined();
});

test("the page may be linked to", () => {
  const headers = { host, "sec-fetch-site": "cross-site" };
  expect(get(headers, "/")).toBeUndefined();
});

test("what changes something needs origin, header and content type", () => {
  expect(post({})).toBeUndefined();
  expect(
    post({ "content-type": "application/json; charset=utf-8" }),
  ).toBeUndefined();
  expect(post({ origin: undefined })).toBe(403);
  expect(post({ "x-dapr-dashboard": undefined })).toBe(403);
  expect(post({ "x-dapr-dashboard": "0" })).toBe(403);
  expect(post({ "content-type": "text/plain" })).toBe(415);
  expect(post({ "content-type": undefined })).toBe(415);
  // The same machine, another name of it: another origin.
  expect(post({ origin: "http://127.0.0.1:8080" })).toBe(403);
});
