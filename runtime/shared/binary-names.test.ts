import { withoutBinary } from "./binary-names.ts";

test("names that end in -bin are left out with their values", () => {
  expect(
    withoutBinary(["a", "x-bin", "A-Bin", "AA==", "b", "1", "c-bin", "AA=="]),
  ).toEqual(["a", "x-bin", "b", "1"]);
});

test("without such names it is the list itself", () => {
  const headers = ["a", "1"];
  expect(withoutBinary(headers)).toBe(headers);
});
