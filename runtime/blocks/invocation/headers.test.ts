import { addForwarded, requestHeaders, responseHeaders } from "./headers.ts";

/** Header lines as names and values in turn. */
const raw = (...lines: string[]) =>
  lines.flatMap((line) => {
    const at = line.lastIndexOf(": ");
    return [line.slice(0, at), line.slice(at + 2)];
  });

const fromCaller = { keepIdentity: false, dropToken: true };

test("what concerns one connection stays there, what Connection names too", () => {
  expect(
    requestHeaders(
      raw(
        "Host: x",
        "Connection: close, X-Hop",
        "X-Hop: 1",
        "Keep-Alive: timeout=1",
        "Proxy-Connection: x",
        "TE: x",
        "Proxy-Authorization: x",
        "Proxy-Authenticate: x",
        "Trailer: x",
        "Transfer-Encoding: chunked",
        "Upgrade: h2c",
        "HTTP2-Settings: x",
        "Expect: 100-continue",
        "A: 1",
      ),
      fromCaller,
    ),
  ).toEqual(raw("A: 1"));
});

test("a caller's word on who it is counts for nothing, its token goes no further", () => {
  const claims = raw(
    "Dapr-Caller-App-Id: x",
    "dapr-caller-namespace: x",
    "dapr-callee-app-id: x",
    "dapr-app-id: x",
    "destination-app-id: x",
    "Dapr-Api-Token: x",
    "A: 1",
  );
  expect(requestHeaders(claims, fromCaller)).toEqual(raw("A: 1"));
  expect(
    requestHeaders(raw("dapr-caller-app-id: x", "dapr-api-token: t"), {
      keepIdentity: true,
      dropToken: false,
    }),
  ).toEqual(raw("dapr-caller-app-id: x", "dapr-api-token: t"));
});

test("gRPC's names get a prefix, but for its trace; the rest keeps order and number", () => {
  const headers = raw("X: 1", "grpc-timeout: 1S", "a-bin: AA==", "X: 2");
  headers.push(
    ...raw("grpc-trace-bin: AA==", ":path: /a", "dapr-:authority: x"),
  );
  expect(requestHeaders(headers, fromCaller)).toEqual(
    raw(
      "X: 1",
      "dapr-grpc-timeout: 1S",
      "a-bin: AA==",
      "X: 2",
      "grpc-trace-bin: AA==",
    ),
  );
});

test("of an answer, every cookie and the first baggage are passed on", () => {
  expect(
    responseHeaders(
      raw(
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "baggage: a",
        "Baggage: b",
        "Connection: X-Hop",
        "x-hop: 1",
        "Transfer-Encoding: chunked",
        "Content-Length: 5",
      ),
    ),
  ).toEqual(
    raw(
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "baggage: a",
      "Content-Length: 5",
    ),
  );
});

test("of what an answer has once, the first counts; lists are joined", () => {
  const doubled = [
    "Content-Type: text/a",
    "X: 1",
    "content-type: text/b",
    "ETag: 1",
    "Date: x",
    "Content-Encoding: gzip",
    "Date: y",
    "etag: 2",
    "content-encoding: br",
    "X: 2",
    "X-Content-Type-Options: nosniff",
    "X-Content-Type-Options: nosniff",
  ];
  expect(responseHeaders(raw(...doubled))).toEqual(
    raw(
      "Content-Type: text/a",
      "X: 1",
      "ETag: 1",
      "Date: x",
      "Content-Encoding: gzip, br",
      "X: 2",
      "X-Content-Type-Options: nosniff",
    ),
  );
});

test("forwarded headers are appended to what came", () => {
  const headers = raw("x-forwarded-for: 1.2.3.4");
  addForwarded(headers, { name: "box", address: "10.0.0.1" });
  expect(headers).toEqual(
    raw(
      "x-forwarded-for: 1.2.3.4, 10.0.0.1",
      "X-Forwarded-Host: box",
      "Forwarded: for=10.0.0.1;by=10.0.0.1;host=box",
    ),
  );
});
