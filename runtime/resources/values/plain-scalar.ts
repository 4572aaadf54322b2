/** Makes text of YAML 1.1 scalars as the original does: first they become JSON (docs/protocol/resources.md). */

export interface PlainScalar {
  text: string;
  /** The value in JSON, unless that is a string of the text. */
  json?: string;
}

/** A longer number can't be represented; in the original it stays a text. */
const maxNumberLength = 400;

/** Reads a scalar that is written without quotes. */
export function readPlain(source: string): PlainScalar {
  if (/^(~|null|Null|NULL|)$/.test(source)) return { text: "", json: "null" };
  if (/^(y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(source))
    return literal("true");
  if (/^(n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(source))
    return literal("false");
  if (source.length > maxNumberLength) return { text: source };
  const number = readNumber(source);
  return number === undefined ? { text: source } : literal(number);
}

const literal = (text: string): PlainScalar => ({ text, json: text });

function readNumber(source: string): string | undefined {
  const digits = source.replaceAll("_", "");
  const integer =
    /^([+-]?)(?:0x([0-9a-fA-F]+)|0b([01]+)|0o?([0-7]+)|(0|[1-9]\d*))$/.exec(
      digits,
    );
  if (integer && /^[+-]?\d/.test(source)) {
    const [, sign, hex, binary, octal, decimal] = integer;
    const value = hex
      ? BigInt("0x" + hex)
      : binary
        ? BigInt("0b" + binary)
        : octal
          ? BigInt("0o" + octal)
          : BigInt(decimal!);
    return `${sign === "-" ? "-" : ""}${value}`;
  }
  if (!/^[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?$/.test(digits))
    return undefined;
  const number = Number(digits);
  return Number.isFinite(number) ? String(number) : undefined;
}
