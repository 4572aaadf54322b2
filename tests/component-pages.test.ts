/** Each type of component has its settings on a page of docs/, as its driver has them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as lists from "../runtime/components/index.ts";
import { settingsTable } from "./support/settings-table.ts";

const docs = join(__dirname, "..", "docs");
const pages = readdirSync(docs)
  .filter((name) => name.endsWith(".md") && !name.endsWith(".zh-CN.md"))
  .map((name) => ({ name, text: readFileSync(join(docs, name), "utf8") }));

const markOf = (title: string) => `<!-- settings of ${title} -->`;
/** A type with one version is known by its name alone, also where it has another name. */
const titleOf = (type: string, versions: string[], version: string) =>
  versions.length > 1 ? `${type} ${version}` : type;

const types = Object.values(lists)
  .flat()
  .flatMap(({ type, versions, load }) =>
    versions.map((version) => ({ type, versions, version, load })),
  );

/** The aligned columns of a small table are Prettier's. */
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
    // Also by its other name.
    expect(text).toContain(type);
  },
);

test("no page has settings of a type that there is not", async () => {
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
