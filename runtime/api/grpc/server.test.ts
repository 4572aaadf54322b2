import type { Logger } from "../../shared/log.ts";
import { listenGrpc } from "./server.ts";

const warned: string[] = [];
const log = { warn: (text: string) => warned.push(text) } as unknown as Logger;
const options = {
  refuseTaken: true,
  log,
  openDoor: () => Promise.reject(new Error("nobody calls")),
};

test("an address that can't be used is skipped, also the first; none at all is an error", async () => {
  const server = await listenGrpc(["192.0.2.1", "127.0.0.1"], 0, options);
  await server.close();
  expect(warned).toEqual([
    expect.stringMatching(/^an address is not served for gRPC: .*192\.0\.2\.1/),
  ]);
  await expect(listenGrpc(["192.0.2.1"], 0, options)).rejects.toThrow(
    /^could not listen on port 0 for gRPC: .*192\.0\.2\.1/,
  );
});
