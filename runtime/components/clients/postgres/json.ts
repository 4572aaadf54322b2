/** Values of PostgreSQL as JSON text, so that no digit of a number is lost on the way. */
import type { CustomTypesConfig } from "pg";
import { encode } from "../../../shared/json/go-json.ts";

/** What the server wrote of one value, as JSON. */
type ToJson = (text: string) => string;

const quote = 0x22;
const backslash = 0x5c;

/** NaN and the infinities are no numbers in JSON. */
const numberJson: ToJson = (text) => (/^-?\d/.test(text) ? text : encode(text));
const boolJson: ToJson = (text) => (text === "t" ? "true" : "false");
const asItIs: ToJson = (text) => text;
const bytesJson: ToJson = (text) => `"${bytesOf(text).toString("base64")}"`;
const addressJson: ToJson = (text) =>
  `"${text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`}"`;

/** RFC 3339; a zone becomes UTC. What that can't hold (infinity, BC, five digits of a year, another DateStyle) stays as the server wrote it. */
const timeJson: ToJson = (text) => {
  const [, day, time = "00:00:00", fraction = "", sign, ...zone] =
    /^(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d)(\.\d+)?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?)?$/.exec(
      text,
    ) ?? [];
  if (day === undefined) return encode(text);
  const [hours = 0, minutes = 0, seconds = 0] = zone.map(
    (part) => +(part ?? 0),
  );
  const offset = (hours * 60 + minutes) * 60 + seconds;
  const utc = Date.parse(`${day}T${time}Z`) - +`${sign ?? ""}1` * offset * 1000;
  const iso = new Date(utc).toISOString();
  return /^\d/.test(iso) ? `"${iso.slice(0, 19)}${fraction}Z"` : encode(text);
};

/** `\x00ff`, or with `bytea_output = escape` each odd byte in octal. */
function bytesOf(text: string): Buffer {
  if (text.startsWith("\\x")) return Buffer.from(text.slice(2), "hex");
  const plain = text.replace(/\\(\\|\d{3})/g, (_, code: string) =>
    code === "\\" ? code : String.fromCharCode(parseInt(code, 8)),
  );
  return Buffer.from(plain, "latin1");
}

/** By the type's number in `pg_type`, with that of its arrays. All else is a text. */
const types: [oid: number, array: number, toJson: ToJson][] = [
  [16, 1000, boolJson],
  [17, 1001, bytesJson],
  [18, 1002, encode], // "char"
  [19, 1003, encode], // name
  [20, 1016, numberJson], // int8
  [21, 1005, numberJson], // int2
  [23, 1007, numberJson], // int4
  [25, 1009, encode], // text
  [26, 1028, numberJson], // oid
  [28, 1011, numberJson], // xid
  [29, 1012, numberJson], // cid
  [114, 199, asItIs], // json
  [650, 651, addressJson], // cidr
  [700, 1021, numberJson], // float4
  [701, 1022, numberJson], // float8
  [829, 1040, encode], // macaddr
  [869, 1041, addressJson], // inet
  [1042, 1014, encode], // char(n)
  [1043, 1015, encode], // varchar
  [1082, 1182, timeJson], // date
  [1083, 1183, encode], // time
  [1114, 1115, timeJson], // timestamp
  [1184, 1185, timeJson], // timestamptz
  [1186, 1187, encode], // interval
  [1700, 1231, numberJson], // numeric
  [2950, 2951, encode], // uuid
  [3802, 3807, asItIs], // jsonb
];

const byOid = new Map<number, ToJson>(
  types.flatMap(([oid, array, toJson]) => [
    [oid, toJson],
    [array, (text: string) => arrayJson(text, toJson)],
  ]),
);

/** `json` and `jsonb`. */
export const isJsonType = (oid: number): boolean => oid === 114 || oid === 3802;

/** Reads each value as its JSON text. */
export const jsonTypes: CustomTypesConfig = {
  getTypeParser: (oid: number) => byOid.get(oid) ?? encode,
};

/** For rows that nobody wants. */
export const noValues: CustomTypesConfig = {
  getTypeParser: () => () => undefined,
};

/** Rows read with {@link jsonTypes}, as a list of lists. */
export const rowsJson = (rows: unknown[][]): string =>
  `[${rows.map((row) => `[${row.map((cell) => cell ?? "null").join(",")}]`).join(",")}]`;

/** `{1,NULL,"two words"}`, lists of lists too, as a JSON list. */
function arrayJson(text: string, element: ToJson): string {
  let json = "";
  // Bounds that do not begin at 1 stand before it: [0:1]={1,2}
  let i = text.startsWith("[") ? text.indexOf("=") + 1 : 0;
  while (i < text.length) {
    const char = text[i]!;
    if (char === "{" || char === "}" || char === ",") {
      json += char === "{" ? "[" : char === "}" ? "]" : char;
      i++;
    } else if (char === '"') {
      const end = endOfQuoted(text, i + 1);
      json += element(text.slice(i + 1, end).replace(/\\(.)/gs, "$1"));
      i = end + 1;
    } else {
      const start = i;
      while (i < text.length && text[i] !== "," && text[i] !== "}") i++;
      const bare = text.slice(start, i);
      json += bare === "NULL" ? "null" : element(bare);
    }
  }
  return json;
}

function endOfQuoted(text: string, start: number): number {
  let i = start;
  for (; i < text.length && text.charCodeAt(i) !== quote; i++)
    if (text.charCodeAt(i) === backslash) i++;
  return i;
}
