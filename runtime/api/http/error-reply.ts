import type { ApiError } from "../../contracts/errors.ts";
import type { ApiReply } from "./request.ts";

/** `{"errorCode","message","details"?}`, or the message as plain text where the error has no code. */
export const errorReply = (error: ApiError): ApiReply => ({
  status: error.status,
  ...(error.code === ""
    ? { contentType: "text/plain; charset=utf-8", body: error.message }
    : { body: errorBody(error) }),
  headers: error.headers,
  errorCode: error.code,
});

export const errorBody = ({ code, message, details }: ApiError): string =>
  JSON.stringify({ errorCode: code, message, ...(details ? { details } : {}) });
