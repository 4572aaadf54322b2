/** Scalars of YAML 1.1 as the original makes text of them: to JSON first (spec components §1.2). */

export interface PlainScalar {
  text: string;
  /** What it is in JSON, unless a string of that text. */
  json?: string;
}

/** No number of so many digits can be held; the original leaves it a text. */
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
