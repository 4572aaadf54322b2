/** Part of `npm run proto`: makes the module with the descriptors that server reflection sends. */

interface Named {
  name: string;
}
interface Message extends Named {
  nestedType?: Message[];
  enumType?: Named[];
}
/** The parts of a FileDescriptorProto in JSON that are read here. */
interface File extends Named {
  package?: string;
  dependency?: string[];
  messageType?: Message[];
  enumType?: Named[];
  service?: (Named & { method?: Named[] })[];
}

/** The files that are described, together with all that they import. */
const described = [
  "dapr/proto/runtime/v1/dapr.proto",
  "google/rpc/error_details.proto",
  "grpc/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto",
  "grpc/reflection/v1alpha/reflection.proto",
];

/** `json` and `binary` are the same FileDescriptorSet. */
export function describeFiles(json: string, binary: Buffer): string {
  const { file } = JSON.parse(json) as { file: File[] };
  const bytes = splitSet(binary);
  const byName = new Map(file.map((one, i) => [one.name, { one, i }]));
  const found = new Map<string, string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    const { one, i } = byName.get(name)!;
    found.set(name, "");
    found.set(
      name,
      JSON.stringify({
        name,
        imports: one.dependency ?? [],
        symbols: symbolsOf(one),
        bytes: bytes[i]!.toString("base64"),
      }),
    );
    one.dependency?.forEach(add);
  };
  described.forEach(add);
  return `// Made by \`npm run proto\`. DO NOT EDIT.

/** A .proto file: what it imports, the full names of what it declares, and its FileDescriptorProto in base64. */
export interface DescribedFile {
  name: string;
  imports: string[];
  symbols: string[];
  bytes: string;
}

export const files: readonly DescribedFile[] = [
${[...found.values()].map((text) => `  ${text},\n`).join("")}];
`;
}

function symbolsOf(file: File): string[] {
  const top = file.package ? `${file.package}.` : "";
  const ofMessage = (message: Message, outer: string): string[] => [
    outer + message.name,
    ...(message.enumType ?? []).map(
      ({ name }) => `${outer}${message.name}.${name}`,
    ),
    ...(message.nestedType ?? []).flatMap((inner) =>
      ofMessage(inner, `${outer}${message.name}.`),
    ),
  ];
  return [
    ...(file.messageType ?? []).flatMap((message) => ofMessage(message, top)),
    ...(file.enumType ?? []).map(({ name }) => top + name),
    ...(file.service ?? []).flatMap(({ name, method = [] }) => [
      top + name,
      ...method.map((one) => `${top}${name}.${one.name}`),
    ]),
  ];
}

/** A FileDescriptorSet has one field, `repeated FileDescriptorProto file = 1`. */
function splitSet(set: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < set.length;) {
    if (set[at++] !== 0x0a) throw new Error("this is no FileDescriptorSet");
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = set[at++]!;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    parts.push(set.subarray(at, (at += size)));
  }
  return parts;
}
