/** docs/protocol/errors.md has every error of the API, as the catalogue has it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "../runtime/contracts/errors.ts";

const page = join(__dirname, "..", "docs", "protocol", "errors.md");

const cell = (text: string) =>
  `\`${text.trim().replaceAll("%s", "…").replaceAll("|", "\\|")}\``;

const rows = Object.values(catalogue).map(
  ([status, grpc, code, text, grpcText]: readonly (string | number)[]) =>
    [
      "",
      code === "" ? "plain text" : cell(String(code)),
      status,
      String(grpc).replace(/^./, (first) => first.toUpperCase()),
      cell(String(text)) +
        (grpcText === undefined ? "" : `; gRPC: ${cell(String(grpcText))}`),
      "",
    ]
      .join(" | ")
      .trim(),
);

test("the page has the errors of the catalogue", () => {
  const table = [
    "| Code | HTTP | gRPC | Text |",
    "|---|---|---|---|",
    ...new Set(rows),
  ].join("\n");
  const written = readFileSync(page, "utf8");
  if (!written.includes(`${table}\n`))
    throw new Error(
      `docs/protocol/errors.md has other errors than runtime/contracts/errors.ts; the right ones:\n\n${table}\n`,
    );
});
