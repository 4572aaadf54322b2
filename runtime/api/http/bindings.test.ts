import { bindingRoutes } from "./bindings.ts";
import { listen } from "./server.ts";

test("a component's response is 200 with its metadata as headers, those that can be sent", async () => {
  const metadata = {
    statusCode: "204",
    "bad name": "x",
    line: "a\r\nX-Injected: 1",
    漢: "x",
    utf8: "漢",
  };
  const api = await listen(["127.0.0.1"], 0, {
    routes: bindingRoutes({
      invoke: async () => ({ data: Buffer.from("{}"), metadata }),
    }),
    fallback: () => ({ status: 404 }),
    maxBodyBytes: 1000,
    readBufferBytes: 4096,
    h2c: false,
    log: undefined as never, // nothing here goes wrong
  });
  try {
    const reply = await fetch(
      `http://127.0.0.1:${api.addresses[0]!.port}/v1.0/bindings/x`,
      { method: "POST", body: '{"operation":"get"}' },
    );
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe("{}");
    expect(reply.headers.get("content-type")).toBe("application/json");
    expect(reply.headers.get("metadata.statuscode")).toBe("204");
    const names = [...reply.headers.keys()];
    expect(names.filter((name) => name.startsWith("metadata."))).toEqual([
      "metadata.statuscode",
    ]);
    expect(names).not.toContain("x-injected");
  } finally {
    api.closeNow();
    await api.close();
  }
});
