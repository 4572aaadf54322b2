import { problems } from "./problems.ts";

const line = (level: string, message: string) =>
  `time="2026-01-01T00:00:00Z" level=${level} msg=${JSON.stringify(message)} app_id=a scope=dapr.runtime`;

test("messages of the asked levels, each once, and lines that are not of the log", () => {
  const logs = [
    line("info", "Starting"),
    line("warning", "late"),
    line("error", 'a "quoted" \\ word'),
    line("error", 'a "quoted" \\ word'),
    line("fatal", "Fatal error from runtime: no port"),
    "node: bad option",
    "",
  ];
  expect(problems(logs, "error", "fatal")).toEqual([
    'a "quoted" \\ word',
    "no port",
    "node: bad option",
  ]);
  expect(problems(logs, "warning")).toEqual(["late", "node: bad option"]);
});
