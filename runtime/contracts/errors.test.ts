import { ApiError, catalogue } from "./errors.ts";

test("an error has a status, a code and a text for either protocol", () => {
  const error = new ApiError("secretGet", ["db", "vault", "sealed"]);
  expect(error).toMatchObject({
    status: 500,
    code: "ERR_SECRET_GET",
    message:
      "failed getting secret with key db from secret store vault: sealed",
    grpcCode: 13,
    grpcMessage: error.message,
  });
});

test("both texts of an error take the same arguments, or fewer", () => {
  const places = (text: string) => text.split("%s").length;
  for (const entry of Object.values(catalogue)) {
    const [, , , text, grpcText = text] = entry;
    expect(places(grpcText)).toBeLessThanOrEqual(places(text));
  }
});
