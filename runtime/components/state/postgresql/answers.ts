import { UnfitError } from "../../../contracts/state-store.ts";
import { answerTo, type ServerAnswer } from "../../clients/postgres/errors.ts";

/** What PostgreSQL says of keys that it can't hold. */
const keyAnswers: readonly ServerAnswer[] = [
  [
    "54000",
    /index row/,
    "the key is too long for PostgreSQL's index; some 2,700 bytes fit",
  ],
];

/** What it says of values that it can't hold. */
const valueAnswers: readonly ServerAnswer[] = [
  [
    "22P05",
    /\\u0000|Unicode/,
    "a text in the value holds U+0000, which JSONB can't: use version v2",
  ],
  ["22P02", /json/, "the value is not JSON, which version v1 needs: use v2"],
  [
    "54001",
    /./,
    "the value is nested deeper than JSONB takes in this server; use version v2, or raise max_stack_depth",
  ],
];

export const stateAnswers = [...keyAnswers, ...valueAnswers];

/** The explained error of a write of this key, as an {@link UnfitError} if the server says that it can't hold the key or its value. */
export function toUnfit(error: unknown, key: string): unknown {
  if (!(error instanceof Error)) return error;
  if (answerTo(error, keyAnswers)) return new UnfitError("key", key, error);
  return answerTo(error, valueAnswers)
    ? new UnfitError("value", key, error)
    : error;
}
