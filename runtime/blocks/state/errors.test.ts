import { EtagError } from "../../contracts/state-store.ts";
import { stateErrors, storeErrors } from "./errors.ts";

test("where gRPC says it in other words, its details do too", () => {
  const error = stateErrors.illegalKey("statestore", "a||b");
  const short = "input key/keyPrefix 'a||b' can't contain '||'";
  const long = `api error: code = InvalidArgument desc = ${short}`;
  const violation = (description: string) => ({
    field_violations: [{ field: "a||b", description }],
  });
  expect(error.message).toBe(long);
  expect(error.details![0]).toMatchObject(violation(long));
  expect(error.grpcMessage).toBe(short);
  expect(error.grpcDetails![0]).toMatchObject(violation(short));
});

test("an etag that does not match is Aborted, a malformed one InvalidArgument", () => {
  const { save, transaction } = storeErrors("statestore", String);
  const mismatch = new EtagError("mismatch");
  expect(save([mismatch])).toMatchObject({ status: 409, grpcCode: 10 });
  const invalid = new EtagError("invalid");
  expect(save([invalid])).toMatchObject({ status: 400, grpcCode: 3 });
  expect(transaction(mismatch)).toMatchObject({ status: 500, grpcCode: 13 });
});
