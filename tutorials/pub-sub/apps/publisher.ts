/** A page with a form for messages of the types A, B and C. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ErrorRequestHandler } from "express";
import express from "express";
import { listen } from "./listen.ts";
import { publish } from "./publish.ts";

const types = ["A", "B", "C"];
const app = express();
app.use(express.json());

app.get("/", (_req, res) => {
  res.type("html").send(readFileSync(new URL("form.html", import.meta.url)));
});

app.post("/publish", async (req, res) => {
  const { messageType, message } = req.body ?? {};
  if (!types.includes(messageType) || typeof message !== "string")
    return res
      .status(400)
      .type("text")
      .send(
        'Send {"messageType": "A", "message": "hello"} with the header Content-Type: application/json. The types are A, B and C.',
      );
  await publish({ messageType, message });
  res.sendStatus(200);
});

/** Says what a handler threw, and what was wrong with a body. Express knows it by its four parameters. */
const sayFailure: ErrorRequestHandler = (error, _req, res, _next) => {
  const { message, status = 502 } = error as Error & { status?: number };
  console.log(message);
  res.status(status).type("text").send(message);
};
app.use(sayFailure);

listen(app, "Publisher", 8080);
if (process.argv.includes("--every-second")) await everySecond();

/** For the demo: messages flow by themselves, each of the next type. One that was not taken is sent again. */
async function everySecond(): Promise<never> {
  for (let number = 1; ;) {
    const messageType = types[(number - 1) % types.length]!;
    await publish({ messageType, message: `Message ${number}` }).then(
      () => number++,
      (error: Error) => console.log(error.message),
    );
    await sleep(1000, undefined, { ref: false });
  }
}
