import type { ClientHttp2Session } from "node:http2";
import { createResetBudget } from "./reset-budget.ts";

let now = 0;
beforeEach(() => {
  now = 0;
  jest.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

const sessionOf = () => ({ closed: false, close: jest.fn() });
const budgetOf = (session: ReturnType<typeof sessionOf>) =>
  createResetBudget(session as unknown as ClientHttp2Session);

test("500 at once are the last of a connection", () => {
  const session = sessionOf();
  const count = budgetOf(session);
  for (let n = 0; n < 499; n++) count();
  expect(session.close).not.toHaveBeenCalled();
  count();
  expect(session.close).toHaveBeenCalledTimes(1);
});

test("30 a second may go on for ever", () => {
  const session = sessionOf();
  const count = budgetOf(session);
  for (let n = 0; n < 10_000; n++) {
    now += 1000 / 30;
    count();
  }
  expect(session.close).not.toHaveBeenCalled();
});
