/** What a tutorial shows must exist, and be the same in both languages. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(__dirname, "../..");
const folders = readdirSync(join(root, "tutorials"));

const read = (file: string) => readFileSync(join(root, file), "utf8");

/** The comments and code blocks of a text, in order. Diagrams may be translated and are left out. */
const blocks = (text: string) =>
  [...text.matchAll(/<!--[\s\S]*?-->|^```(\w*)\n[\s\S]*?^```$/gm)]
    .filter(([, language]) => language !== "mermaid")
    .map(([block]) => block);

test("the tutorials are found", () => {
  expect(folders).toEqual(
    expect.arrayContaining([
      "bindings",
      "hello-world",
      "hello-kubernetes",
      "pub-sub",
    ]),
  );
});

describe.each(folders)("tutorials/%s", (name) => {
  const english = `tutorials/${name}/README.md`;
  const chinese = `tutorials/${name}/README.zh-CN.md`;

  test("has the same steps, commands and outputs in English and Chinese", () => {
    expect(blocks(read(chinese))).toEqual(blocks(read(english)));
  });

  test("shows only code that is in the files it names", () => {
    const shown = read(english).matchAll(
      /<!-- file: (\S+) -->\s*```\w*\n([\s\S]*?)```/g,
    );
    const wrong = [...shown]
      .filter(
        ([, file = "", code = ""]) => !read(file).includes(code.trimEnd()),
      )
      .map(([, file]) => file);
    expect(wrong).toEqual([]);
  });
});

const pages = readdirSync(join(root, "docs")).filter((name) =>
  name.endsWith(".md"),
);

test.each(["README.md", "README.zh-CN.md", "docs/README.md"])(
  "%s has a link to every page of docs/",
  (file) => {
    const text = read(file);
    const language = file.includes("zh-CN") ? "zh" : "en";
    const missing = pages
      .filter((name) => join("docs", name) !== file)
      .filter(
        (name) => name !== `concepts${language === "zh" ? "" : ".zh-CN"}.md`,
      )
      .filter(
        (name) =>
          !text.includes(`${file.startsWith("docs/") ? "" : "docs/"}${name})`),
      );
    expect(missing).toEqual([]);
  },
);

test.each(
  ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md"].concat(
    pages.map((name) => `docs/${name}`),
    folders.flatMap((name) => [
      `tutorials/${name}/README.md`,
      `tutorials/${name}/README.zh-CN.md`,
    ]),
  ),
)("the links of %s lead somewhere", (file) => {
  const links = [
    ...read(file).matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)/g),
  ];
  const dead = links
    .filter(([, path, anchor]) => {
      const target = path ? join(root, dirname(file), path) : join(root, file);
      if (!existsSync(target)) return true;
      return anchor
        ? !anchorsOf(readFileSync(target, "utf8")).has(anchor)
        : false;
    })
    .map(([link]) => link);
  expect(dead).toEqual([]);
});

/** The anchors that GitHub makes from the headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = markdown.matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(
      ([, text = ""]) =>
        `#${text
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, "")
          .replaceAll(" ", "-")}`,
    ),
  );
}
