/** What clients store about the sidecar by `PUT /v1.0/metadata/{key}`. It has a limit, so that it can't fill the memory. */
import { ApiError } from "../contracts/errors.ts";

const maxBytes = 1024 * 1024;

export class Attributes {
  readonly #values = new Map<string, string>();
  #bytes = 0;

  /** Throws a 400 if all of them together would take more than 1 MiB. */
  set(key: string, value: string): void {
    const before = this.#values.get(key);
    const bytes =
      this.#bytes +
      sizeOf(key, value) -
      (before === undefined ? 0 : sizeOf(key, before));
    if (bytes > maxBytes)
      throw new ApiError("attributesFull", [key.slice(0, 100)]);
    this.#bytes = bytes;
    this.#values.set(key, value);
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }
}

const sizeOf = (key: string, value: string) =>
  Buffer.byteLength(key) + Buffer.byteLength(value);
