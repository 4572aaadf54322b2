import { programOf } from "./program.ts";

const onWindows = (file: string, ...args: string[]) =>
  programOf(file, args, "win32", "C:\\Windows\\cmd.exe");

test.each(["linux", "darwin"] as const)(
  "on %s a program is started as it is",
  (platform) => {
    const args = ["start", "a b"];
    const program = { file: "/usr/bin/npm", args };
    expect(programOf("/usr/bin/npm", args, platform)).toEqual(program);
  },
);

test("on Windows too, if it is no script", () => {
  const args = ["app.js", "a & b"];
  expect(onWindows("C:\\node\\node.exe", ...args)).toEqual({
    file: "C:\\node\\node.exe",
    args,
  });
});

test("a script is started by the command processor, in a folder with a blank too", () => {
  expect(onWindows("C:\\Program Files\\nodejs\\npm.CMD", "start")).toEqual({
    file: "C:\\Windows\\cmd.exe",
    args: [
      "/d",
      "/s",
      "/c",
      '""C:\\Program Files\\nodejs\\npm.CMD" ^^^"start^^^""',
    ],
    windowsVerbatimArguments: true,
  });
});

/** What the command processor makes of a line: a caret takes the next letter as it is. */
const read = (line: string) => line.replace(/\^(.)/g, "$1");

test.each([
  ["a & b", '"a & b"'],
  ["%PATH% > file", '"%PATH% > file"'],
  ['say "hi" | more', '"say \\"hi\\" | more"'],
  ["C:\\folder\\", '"C:\\folder\\\\"'],
  ["", '""'],
])("nothing in the argument %j is a command of its own", (arg, arrives) => {
  const whole = onWindows("C:\\npm.cmd", arg).args.at(-1)!;
  const written = whole.slice('""C:\\npm.cmd" '.length, -1);
  // No letter that means something to the command processor is without its caret, in either reading.
  for (const line of [written, read(written)])
    expect(line.replace(/\^./g, "")).not.toMatch(/[()[\]%!^"`<>&|;, *?]/);
  expect(read(read(written))).toBe(arrives);
});
