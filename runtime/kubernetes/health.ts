/** `/healthz` of a control plane program: 200, or 500 and what it waits for. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { healthPort } from "./names.ts";

/** `waitsFor` gives undefined if the program is ready. */
export async function serveHealth(
  waitsFor: () => string | undefined,
  port: number = healthPort,
): Promise<Server> {
  const server = createServer((request, response) => {
    const found = request.url === "/healthz";
    const reason = found ? waitsFor() : undefined;
    response
      .writeHead(!found ? 404 : reason ? 500 : 200, {
        "content-type": "text/plain",
      })
      .end(reason ? `${reason}\n` : "");
  }).listen(port);
  await once(server, "listening");
  return server;
}
