import type { SidecarOptions } from "./index.cjs";
import { checkOptions } from "./options.ts";

const said = (options: unknown): string => {
  try {
    checkOptions(options as SidecarOptions);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return "nothing";
};
const ofPort = "give a port, a whole number from";

test.each([
  [
    null,
    "startSidecar takes an object of options, such as { appPort: 3000 }; this is null",
  ],
  [
    3000,
    "startSidecar takes an object of options, such as { appPort: 3000 }; this is 3000",
  ],
  ["a.yaml", 'this is "a.yaml"'],
  [[], "this is a list"],
  [
    { componets: [] },
    'there is no option "componets"; did you mean "components"?',
  ],
  [{ toString: 1 }, 'there is no option "toString"; there are appPort, appId'],
  [{ appPort: -1 }, `the option "appPort" is -1; ${ofPort} 1 to 65535`],
  [{ appPort: "3000" }, `the option "appPort" is "3000"; ${ofPort} 1 to 65535`],
  [{ appPort: 0 }, `the option "appPort" is 0; ${ofPort} 1 to 65535`],
  [{ appPort: 3000.5 }, 'the option "appPort" is 3000.5'],
  [{ appPort: NaN }, 'the option "appPort" is NaN'],
  [{ appPort: null }, 'the option "appPort" is null'],
  [
    { httpPort: 65_536 },
    `the option "httpPort" is 65536; ${ofPort} 0 to 65535`,
  ],
  [{ grpcPort: "0" }, 'the option "grpcPort" is "0"'],
  [{ appId: "" }, 'the option "appId" is ""; give a text that is not empty'],
  [{ appId: 7 }, 'the option "appId" is 7'],
  [
    { appProtocol: "htpp" },
    'the option "appProtocol" is "htpp"; give one of "http", "https"',
  ],
  [{ logLevel: "loud" }, 'give one of "debug", "info", "warn", "error"'],
  [
    { resourcesPath: [1] },
    'the option "resourcesPath" is a list; give the path of a folder',
  ],
  [{ env: { A: 1 } }, 'the option "env" is an object; give an object of texts'],
  [{ env: ["A=1"] }, 'the option "env" is a list'],
  [{ args: "--x" }, 'the option "args" is "--x"; give a list of texts'],
  [
    { waitForApp: "false" },
    'the option "waitForApp" is "false"; give true or false',
  ],
  [
    { appTimeoutMs: "1s" },
    'the option "appTimeoutMs" is "1s"; give a number of milliseconds',
  ],
  [{ appTimeoutMs: NaN }, 'the option "appTimeoutMs" is NaN'],
])("%j is refused", (options, message) => {
  expect(said(options)).toMatch(/^TypeError: startSidecar/);
  expect(said(options)).toContain(message);
});

test.each<[SidecarOptions]>([
  [{}],
  [{ appPort: undefined, appId: undefined }],
  [{ appPort: 65_535, httpPort: 0, grpcPort: 50_001, appProtocol: "h2c" }],
  [{ resourcesPath: ["a", "b"], args: [], env: { A: "1", B: undefined } }],
  [{ resourcesPath: "a", waitForApp: false, appTimeoutMs: Infinity }],
])("%j is taken", (options) => {
  expect(said(options)).toBe("nothing");
});
