/**
 * The generated messages against protobufjs, which reads the same .proto files. Then randomly broken messages: each is
 * read or refused, and what is read is not much larger than what came.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import {
  decodeMessage,
  encodeMessage,
  type Codec,
} from "../../runtime/proto/codec.ts";
import { randomizer, type Random } from "../support/randomizer.ts";

const folder = join(__dirname, "../../runtime/proto");
const seed = Number(process.env["DAPR_TEST_SEED"] ?? 1);
/** The number of broken copies of each message. */
const mutations = Number(process.env["DAPR_TEST_MUTATIONS"] ?? 1_000);
const protoFiles = readdirSync(join(folder, "dapr"), {
  recursive: true,
  encoding: "utf8",
})
  .filter((file) => file.endsWith(".proto"))
  .map((file) => `dapr/${file.replaceAll("\\", "/")}`);

const root = new protobuf.Root();
root.resolvePath = (_, target) =>
  target.startsWith("google/") ? target : join(folder, target);
root.loadSync(protoFiles, { keepCase: false });

interface Message {
  name: string;
  type: protobuf.Type;
  codec: Codec<unknown>;
}

const messages = protoFiles.flatMap((file) => {
  const generated = require(
    join(folder, "gen", file.replace(/\.proto$/, ".ts")),
  ) as Record<string, Codec<unknown>>;
  return typesOf(root)
    .filter(({ filename }) => filename === join(folder, file))
    .map((type): Message => {
      const name = type.fullName.slice(1);
      const codec = generated[type.name];
      if (!codec) throw new Error(`${name} is not in the generated code`);
      return { name, type, codec };
    });
});

function typesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((nested) => [
    ...(nested instanceof protobuf.Type ? [nested] : []),
    ...(nested instanceof protobuf.Namespace ? typesOf(nested) : []),
  ]);
}

test("all messages of the eight services are found", () => {
  expect(protoFiles).toHaveLength(8);
  expect(messages.length).toBeGreaterThan(220);
});

test.each(messages)("$name is read and written as by the reference", (m) => {
  const random = randomizer(seed);
  for (let i = 0; i < 50; i++) {
    const bytes = sample(m.type, random);
    const again = encodeMessage(m.codec, decodeMessage(m.codec, bytes));
    expect(told(m.type, again)).toEqual(told(m.type, bytes));
  }
});

test.each(messages)("a broken $name is read or refused", ({ type, codec }) => {
  const random = randomizer(seed);
  const samples = Array.from({ length: 50 }, () => sample(type, random));
  for (let i = 0; i < mutations; i++) {
    const bytes = mutate(random.pick(samples), random.pick(samples), random);
    const what = `seed ${seed}, mutation ${i}: ${bytes.toString("hex")}`;
    let message: unknown;
    try {
      message = decodeMessage(codec, bytes);
    } catch (error) {
      if (!(error instanceof Error)) throw new Error(what);
      continue;
    }
    const again = encodeMessage(codec, message);
    // A byte that is not UTF-8 becomes three, and a number that is cut to 32 bits may need ten bytes instead of five.
    if (again.length > 4 * bytes.length + 64)
      throw new Error(`${what} grew to ${again.length} bytes`);
    const twice = encodeMessage(codec, decodeMessage(codec, again));
    if (!twice.equals(again)) throw new Error(`${what} changes when copied`);
  }
});

/** What the reference reads. */
const told = (type: protobuf.Type, bytes: Uint8Array) =>
  type.toObject(type.decode(bytes), {
    longs: String,
    bytes: String,
    defaults: true,
  });

const sample = (type: protobuf.Type, random: Random): Buffer =>
  Buffer.from(type.encode(type.fromObject(object(type, random, 0))).finish());

function object(type: protobuf.Type, random: Random, depth: number) {
  const made: Record<string, unknown> = {};
  const isDynamic = type.fullName.startsWith(".google.protobuf.Value");
  for (const oneof of type.oneofsArray) {
    // A `Value` without a kind is not valid JSON.
    if (!isDynamic && random.below(4) === 0) continue;
    const isDeep = isDynamic && depth > 3;
    const field = isDeep
      ? type.fields["boolValue"]!
      : random.pick(oneof.fieldsArray);
    made[field.name] = value(field, random, depth);
  }
  for (const field of type.fieldsArray) {
    if (field.partOf || random.below(4) === 0) continue;
    const one = () => value(field, random, depth);
    if (field instanceof protobuf.MapField)
      made[field.name] = Object.fromEntries(
        Array.from({ length: random.below(3) }, () => [
          /int/.test(field.keyType) ? random.below(1e9) : random.text(5),
          one(),
        ]),
      );
    else
      made[field.name] = field.repeated
        ? Array.from({ length: random.below(4) }, one)
        : one();
  }
  return made;
}

function value(field: protobuf.Field, random: Random, depth: number): unknown {
  const resolved = field.resolve().resolvedType;
  if (resolved instanceof protobuf.Enum)
    return random.pick(Object.values(resolved.values));
  if (resolved)
    return depth > 4 && !resolved.fullName.startsWith(".google.")
      ? {}
      : object(resolved, random, depth + 1);
  switch (field.type) {
    case "string":
      return random.pick(["", "é漢🎉", random.text(random.below(200))]);
    case "bytes":
      return Buffer.from(random.text(random.below(200)), "latin1");
    case "bool":
      return random.below(2) === 1;
    case "double":
      return random.pick([0, -0.5, 1e300, random.below(1e9)]);
    case "int32":
      return random.pick([0, -1, 2 ** 31 - 1, random.below(1e9)]);
    case "uint32":
      return random.pick([0, 2 ** 32 - 1, random.below(1e9)]);
    case "int64":
      return random.pick(["0", "-1", "9223372036854775807", "-42"]);
    case "uint64":
      return random.pick(["0", "18446744073709551615", "9007199254740993"]);
    default:
      throw new Error(`no sample for ${field.type}`);
  }
}

function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  let mutant = Buffer.from(bytes);
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(mutant.length + 1);
    const to = at + random.below(mutant.length - at + 1);
    switch (random.below(6)) {
      case 0:
        if (at < mutant.length) mutant[at]! ^= 1 << random.below(8);
        break;
      case 1:
        if (at < mutant.length)
          mutant[at] = random.pick([0, 0x7f, 0x80, 0xff, random.below(256)]);
        break;
      case 2:
        mutant = mutant.subarray(0, at);
        break;
      case 3:
        mutant = Buffer.concat([mutant.subarray(0, at), mutant.subarray(to)]);
        break;
      case 4:
        mutant = Buffer.concat([
          mutant.subarray(0, to),
          mutant.subarray(at, Math.min(to, at + 1_000)),
          mutant.subarray(to),
        ]);
        break;
      default:
        mutant = Buffer.concat([
          mutant.subarray(0, at),
          other.subarray(random.below(other.length + 1)),
        ]);
    }
  }
  return mutant;
}
