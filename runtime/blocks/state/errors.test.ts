import { EtagError, UnfitError } from "../../contracts/state-store.ts";
import { messageOf } from "../../shared/message-of.ts";
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
  expect(save(1, [mismatch])).toMatchObject({ status: 409, grpcCode: 10 });
  const invalid = new EtagError("invalid");
  expect(save(1, [invalid])).toMatchObject({ status: 400, grpcCode: 3 });
  expect(transaction(mismatch)).toMatchObject({ status: 500, grpcCode: 13 });
  expect(transaction(invalid)).toMatchObject({ status: 500, grpcCode: 13 });
});

test("a key or value that does not fit is the caller's fault, unless another item failed for another reason", () => {
  const { save, transaction } = storeErrors("statestore", String);
  const longKey = "k".repeat(5000);
  const key = new UnfitError("key", `app||${longKey}`, new Error("too long"));
  const value = new UnfitError("value", "app||v", new Error("holds U+0000"));
  const theirs = { status: 400, grpcCode: 3 };
  for (const error of [
    save(1, [key]),
    save(2, [value, key]),
    transaction(key),
  ]) {
    expect(error).toMatchObject({ ...theirs, code: "ERR_MALFORMED_REQUEST" });
    expect(error.message).toMatch(/can't hold the key "k{100}…": .*too long$/);
  }
  expect(save(1, [value])).toMatchObject({ ...theirs, code: "ERR_STATE_SAVE" });
  expect(transaction(value)).toMatchObject({
    ...theirs,
    code: "ERR_STATE_TRANSACTION",
  });
  const lost = new Error("connection lost");
  expect(save(3, [key, lost, value])).toMatchObject({
    status: 500,
    grpcCode: 13,
  });
  const mismatch = new EtagError("mismatch");
  expect(save(3, [key, lost, mismatch]).status).toBe(409);
});

test("of several items, each failure is told; a malformed etag decides before one that does not match", () => {
  const { save } = storeErrors("statestore", messageOf);
  const old = (key: string) => new EtagError("mismatch", new Error(key));
  const malformed = new EtagError("invalid", new Error("c"));
  const mismatch = "possible etag mismatch. error from state store";
  const start = "failed saving state in state store statestore:";
  // As the original words it.
  expect(save(1, [old("a")])).toMatchObject({
    message: `${start} ${mismatch}: a`,
  });
  expect(save(3, [old("a"), old("b")])).toMatchObject({
    status: 409,
    grpcCode: 10,
    message: `${start} ${mismatch}: ${mismatch}: a\n${mismatch}: b`,
  });
  expect(save(2, [old("a"), malformed])).toMatchObject({
    status: 400,
    grpcCode: 3,
    message: `${start} invalid etag value: ${mismatch}: a\ninvalid etag value: c`,
  });
  expect(save(3, [new Error("lost"), old("a"), malformed])).toMatchObject({
    status: 409,
    message: `${start} lost\n${mismatch}: a\ninvalid etag value: c`,
  });
});

test("a list that gRPC could not carry is cut", () => {
  const { save } = storeErrors("statestore", messageOf);
  const all = Array.from({ length: 2000 }, () => new Error("x".repeat(99)));
  const { message } = save(all.length, all);
  expect(message.length).toBeLessThan(10_000);
  expect(message).toMatch(/x{99}\nand \d+ more$/);
});
