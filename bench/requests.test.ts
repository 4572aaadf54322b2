import { readMessages } from "./http-messages.ts";
import { order } from "./orders.ts";
import { kinds, type KindName } from "./requests.ts";

test("a request's Content-Length is right, whatever the number of its order", () => {
  for (const kind of Object.keys(kinds) as KindName[])
    for (const id of [0, 9, 10, 123_456]) {
      const seen: string[] = [];
      const push = readMessages((head, body) => seen.push(head, body));
      push(kinds[kind].request("/p", id, 5));
      push(kinds[kind].request("/p", id, 5));
      expect(seen).toHaveLength(4);
      const [head, body] = seen as [string, string];
      if (kind === "get") expect(head).toContain(`GET /p/order-${id} `);
      else expect(JSON.stringify(JSON.parse(body))).toContain(order(id, 5));
    }
});

test("another order, a truncated one or an empty body is not the right answer", () => {
  for (const kind of ["get", "call"] as const) {
    expect(kinds[kind].isAnswer(order(12, 5), 12)).toBe(true);
    expect(
      kinds[kind].isAnswer(
        order(12, 5).replace('"orderId":12,', "") + " ".repeat(13),
        12,
      ),
    ).toBe(false);
    expect(kinds[kind].isAnswer(order(123, 5), 12)).toBe(false);
    expect(kinds[kind].isAnswer(order(12, 5).slice(0, -1), 12)).toBe(false);
    expect(kinds[kind].isAnswer("", 12)).toBe(false);
  }
});
