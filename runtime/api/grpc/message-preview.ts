/** The beginning of a message as JSON, for who watches. */
import { isUtf8 } from "node:buffer";
import { previewBytes, previewOf } from "../../shared/body-preview.ts";
import type { Body } from "../../shared/watch-event.ts";

/** Bytes are shown as text if they are UTF-8, else as base64; what is empty is left out. */
export function messagePreview(message: unknown): Body {
  const room = { left: previewBytes };
  const text = JSON.stringify(shown(message, room) ?? {});
  const preview = previewOf(text, "application/json");
  return room.left > 0 ? preview : { ...preview, isCut: true };
}

/** No more of a long message is made text than has room. */
function shown(value: unknown, room: { left: number }): unknown {
  if (room.left <= 0) return undefined;
  if (typeof value === "string") return cut(value, room);
  if (value instanceof Uint8Array) return textOf(value, room);
  if (typeof value === "bigint") return `${value}`;
  if (typeof value !== "object" || value === null) return value || undefined;
  if (Array.isArray(value)) return list(value, room);
  const entries = value instanceof Map ? value : Object.entries(value);
  const found: [string, unknown][] = [];
  for (const [name, member] of entries as Iterable<[string, unknown]>) {
    if (room.left <= 0) break;
    room.left -= name.length;
    const text = shown(member, room);
    if (text !== undefined) found.push([name, text]);
  }
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

function list(values: unknown[], room: { left: number }): unknown {
  const found: unknown[] = [];
  for (const value of values) {
    if (room.left <= 0) break;
    room.left--;
    found.push(shown(value, room) ?? null);
  }
  return found.length > 0 ? found : undefined;
}

function cut(text: string, room: { left: number }): string | undefined {
  const part = text.slice(0, room.left);
  room.left -= text.length;
  return part || undefined;
}

function textOf(
  { buffer, byteOffset, length }: Uint8Array,
  room: { left: number },
): string | undefined {
  const whole = Buffer.from(buffer, byteOffset, length);
  const part = whole.subarray(0, room.left);
  room.left -= length;
  return part.toString(isUtf8(whole) ? "utf8" : "base64") || undefined;
}
