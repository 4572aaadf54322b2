import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { sources } from "./support/sources.ts";

const root = join(__dirname, "..");
/** A folder and its subfolders, without packages. */
function folders(folder: string): string[] {
  return [
    folder,
    ...readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
      .flatMap(({ name }) => folders(join(folder, name))),
  ];
}

const pages = [
  ".",
  "docs",
  "docs/decisions",
  "docs/protocol",
  "tests",
  "deploy",
  "tutorials/bindings",
  "tutorials/hello-kubernetes",
  "tutorials/hello-world",
  "tutorials/pub-sub",
  "tutorials/sdk",
  "tutorials/testing",
  ...folders("runtime"),
].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);
const read = (page: string) => readFileSync(join(root, page), "utf8");

/** The links of a page to other pages of the project, as `{ file, anchor }`. */
function linksOf(page: string) {
  return [...read(page).matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = "", anchor] = link.split("#");
      const file = path ? join(dirname(page), path) : page;
      return { file, anchor };
    });
}

/** The anchors of a page's headings, as GitHub names them. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test.each(pages)("each link of %s leads somewhere", (page) => {
  const broken = linksOf(page).filter(
    ({ file, anchor }) =>
      !existsSync(join(root, file)) ||
      (anchor !== undefined &&
        statSync(join(root, file)).isFile() &&
        !anchorsOf(file).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

test("each page that a comment names exists", () => {
  const missing = ["runtime", "tests", "scripts", "bench"]
    .flatMap(sources)
    .flatMap((file) =>
      [...read(file).matchAll(/\bdocs\/[\w/.-]+\.md\b/g)].map(([page]) => ({
        file,
        page,
      })),
    )
    .filter(({ page }) => !existsSync(join(root, page)));
  expect(missing).toEqual([]);
});

test.each([
  ["README.md", "docs"],
  ["README.zh-CN.md", "docs"],
  ["docs/README.md", "docs"],
  ["docs/decisions/README.md", "docs/decisions"],
  ["docs/protocol/README.md", "docs/protocol"],
])("%s has a link to every page of %s/", (index, folder) => {
  const linked = linksOf(index).map(({ file }) => file);
  const missing = readdirSync(join(root, folder), { withFileTypes: true })
    .map((entry) => join(folder, entry.name, entry.isFile() ? "" : "README.md"))
    .map((page) => relative(".", page))
    .filter((page) => page.endsWith(".md"))
    .filter((page) => page !== join(folder, "README.md"))
    .filter((page) => !page.includes(".zh-CN."))
    .filter(
      (page) =>
        !linked.includes(page) &&
        !linked.includes(page.replace(".md", ".zh-CN.md")),
    );
  expect(missing).toEqual([]);
});
