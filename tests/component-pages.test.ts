/** A page of docs/ has the settings of each component type, as its driver declares them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as lists from "../runtime/components/index.ts";
import { settingsTable } from "./support/settings-table.ts";

const docs = join(__dirname, "..", "docs");
const pages = readdirSync(docs)
  .filter((name) => name.endsWith(".md") && !name.endsWith(".zh-CN.md"))
  .map((name) => ({ name, text: readFileSync(join(docs, name), "utf8") }));

const markOf = (title: string) => `<!-- settings of ${title} -->`;
/** The title names the version only if the type has several. */
const titleOf = (type: string, versions: string[], version: string) =>
  versions.length > 1 ? `${type} ${version}` : type;

const types = Object.values(lists)
  .flat()
  .flatMap(({ type, versions, load }) =>
    versions.map((version) => ({ type, versions, version, load })),
  );

/** The text without the spaces by which Prettier aligns columns. */
const squeezed = (text: string) =>
  text.replace(/ +/g, " ").replace(/-{3,}/g, "---");

test.each(types)(
  "the page of $type $version has the settings of its driver",
  async ({ type, versions, version, load }) => {
    const definition = await load(version);
    const title = titleOf(definition.type, versions, version);
    const mark = markOf(title);
    const found = pages.filter(({ text }) => text.includes(mark));
    const right = settingsTable(definition.metadata);
    const wanted = `${mark}\n\n${right}\n`;
    if (found.length !== 1)
      throw new Error(
        `${found.length} pages of docs/ have the settings of ${title}, which belong on one:\n\n${wanted}`,
      );
    const { name, text } = found[0]!;
    const written = text.slice(text.indexOf(mark) + mark.length).trimStart();
    const block = written.slice(0, written.search(/\n\n|\n*$/));
    if (squeezed(block) !== squeezed(right))
      throw new Error(
        `docs/${name} has other settings of ${title} than its driver; the right ones:\n\n${wanted}`,
      );
    // If the type has another name, the page has that too.
    expect(text).toContain(type);
  },
);

test("no page has settings of a type that does not exist", async () => {
  const known = await Promise.all(
    types.map(async ({ versions, version, load }) =>
      markOf(titleOf((await load(version)).type, versions, version)),
    ),
  );
  const marks = pages.flatMap(
    ({ text }) => text.match(/<!-- settings of .*? -->/g) ?? [],
  );
  expect(marks.filter((mark) => !known.includes(mark))).toEqual([]);
  expect(marks).toHaveLength(new Set(known).size);
});
