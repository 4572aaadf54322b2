import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { startGrpcApp, AppError } from "./grpc-app.ts";
import { openGrpc, nameOf, dapr } from "./grpc-api.ts";
const which = process.argv[2]!;
const base = Number(process.argv[3]);
mkdirSync("/tmp/g/res", { recursive: true });
writeFileSync(
  "/tmp/g/res/s.yaml",
  `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: statestore}
spec: {type: state.in-memory, version: v1}
`,
);
const app = await startGrpcApp({
  async OnInvoke({ request }) {
    const d: any = request["data"];
    const m = request["method"] as string;
    if (m === "fail") throw new AppError(10, "too late");
    if (m === "size")
      return {
        data: { value: Buffer.from(String(d?.value?.length ?? 0)) },
        contentType: "text/plain",
      };
    return {
      data: { value: Buffer.alloc(Number(m)) },
      contentType: "text/plain",
    };
  },
});
const exe =
  which === "go"
    ? ["/work/go/daprd"]
    : [process.execPath, "/work/wt/grpc/runtime/entries/daprd.ts"];
const child = spawn(
  exe[0]!,
  [
    ...exe.slice(1),
    "--app-id=cmp" + which,
    `--app-port=${app.port}`,
    "--app-protocol=grpc",
    `--dapr-http-port=${base}`,
    `--dapr-grpc-port=${base + 1}`,
    `--dapr-internal-grpc-port=${base + 2}`,
    `--metrics-port=${base + 3}`,
    "--resources-path=/tmp/g/res",
    "--placement-host-address=",
    "--profile-port=" + (base + 4),
    "--log-level=warn",
  ].filter(Boolean),
  { stdio: "inherit" },
);
const wait = async () => {
  for (;;) {
    try {
      const r = await fetch(`http://127.0.0.1:${base}/v1.0/healthz`);
      if (r.ok) return;
    } catch {}
    await new Promise((r) => setTimeout(r, 200));
  }
};
await wait();
const api = openGrpc(base + 1, { "grpc.max_send_message_length": -1 });
const M = 4 * 1024 * 1024;
for (const n of [
  M - 1000,
  M - 100,
  M - 50,
  M - 20,
  M - 8,
  M - 1,
  M,
  M + 1,
  M + 100,
  5 * 1024 * 1024,
]) {
  const r = await api.call("InvokeService", {
    id: "cmp" + which,
    message: {
      method: "size",
      data: { value: Buffer.alloc(n) },
      contentType: "a/b",
    },
  });
  const h = await fetch(
    `http://127.0.0.1:${base}/v1.0/invoke/cmp${which}/method/size`,
    { method: "POST", body: Buffer.alloc(n) },
  );
  console.log(
    "request",
    n - M,
    "grpc:",
    nameOf(r.code),
    r.text.slice(0, 150),
    String((r.reply as any)?.data?.value ?? ""),
    "| http:",
    h.status,
    (await h.text()).slice(0, 150),
  );
}
for (const n of [
  M - 1000,
  M - 100,
  M - 50,
  M - 20,
  M - 8,
  M - 1,
  M,
  M + 1,
  5 * 1024 * 1024,
]) {
  const r = await api.call("InvokeService", {
    id: "cmp" + which,
    message: { method: String(n), contentType: "a/b" },
  });
  const h = await fetch(
    `http://127.0.0.1:${base}/v1.0/invoke/cmp${which}/method/${n}`,
    { method: "POST", body: "x" },
  );
  const t = await h.text();
  console.log(
    "answer",
    n - M,
    "grpc:",
    nameOf(r.code),
    r.text.slice(0, 150),
    (r.reply as any)?.data?.value?.length,
    "| http:",
    h.status,
    t.length < 300 ? t : t.length,
  );
}
const f = await api.call("InvokeService", {
  id: "cmp" + which,
  message: { method: "fail" },
});
console.log(f.code, f.text, f.header, f.trailer);
const g = await api.call("InvokeService", {
  id: "cmp" + which,
  message: { method: "10" },
});
console.log(g.code, g.text, g.header, g.trailer);
await api.call("SaveState", {
  storeName: "statestore",
  states: [
    { key: "a", value: Buffer.from("1") },
    { key: "b", value: Buffer.from("1") },
  ],
});
for (const states of [
  [
    { key: "a", value: Buffer.from("2"), etag: { value: "9" } },
    { key: "b", value: Buffer.from("2"), etag: { value: "9" } },
  ],
  [
    { key: "a", value: Buffer.from("2"), etag: { value: "bad" } },
    { key: "b", value: Buffer.from("2"), etag: { value: "bad" } },
  ],
  [
    { key: "a", value: Buffer.from("2"), etag: { value: "bad" } },
    { key: "b", value: Buffer.from("2"), etag: { value: "9" } },
  ],
  [
    { key: "a", value: Buffer.from("2"), etag: { value: "9" } },
    { key: "b", value: Buffer.from("2"), etag: { value: "bad" } },
  ],
]) {
  const r = await api.call("SaveState", { storeName: "statestore", states });
  console.log("save", nameOf(r.code), r.text, JSON.stringify(r.details));
  const d = await api.call("DeleteBulkState", {
    storeName: "statestore",
    states,
  });
  console.log("deletebulk", nameOf(d.code), d.text, JSON.stringify(d.details));
  const h = await fetch(`http://127.0.0.1:${base}/v1.0/state/statestore`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(
      states.map((s) => ({ key: s.key, value: 1, etag: s.etag.value })),
    ),
  });
  console.log("http", h.status, await h.text());
}
const m = await (await fetch(`http://127.0.0.1:${base + 3}/metrics`)).text();
console.log(
  m
    .split("\n")
    .filter(
      (l) => /error_code|bytes_per_rpc|grpc_io/.test(l) && !/bucket/.test(l),
    )
    .map((l) => l.slice(0, 250))
    .join("\n"),
);
child.kill("SIGTERM");
await app.close();
api.close();
setTimeout(() => process.exit(0), 2000);
