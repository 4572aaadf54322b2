import { join } from "node:path";
import { programIn, pythonCommand } from "./python.ts";

test.each([
  ["linux", "python3", join("venv", "bin", "pip")],
  ["darwin", "python3", join("venv", "bin", "pip")],
  ["win32", "python", join("venv", "Scripts", "pip.exe")],
] as const)("Python on %s", (platform, command, pip) => {
  expect(pythonCommand(platform)).toBe(command);
  expect(programIn("venv", "pip", platform)).toBe(pip);
});
