import { FlagError, parseFlags } from "./flags.ts";

test.each([
  ["HTTP", "http"],
  ["", "http"],
  ["Grpc", "grpc"],
])("--app-protocol=%s is %s", (given, protocol) => {
  const { flags } = parseFlags([`--app-protocol=${given}`]);
  expect(flags["app-protocol"]).toBe(protocol);
});

test("another protocol is refused with those there are", () => {
  expect(() => parseFlags(["--app-protocol", "pigeon"])).toThrow(
    'invalid argument "pigeon" for "--app-protocol": it must be one of http, https, h2c, grpc, grpcs',
  );
});

test.each(["constructor", "__proto__", "toString"])(
  "--%s is an unknown flag like any other",
  (name) => {
    expect(() => parseFlags([`--${name}`, "x"])).toThrow(
      new FlagError(`unknown flag: --${name}`),
    );
  },
);
