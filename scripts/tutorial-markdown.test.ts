import { readSteps } from "./tutorial-markdown.ts";

const text = `# Title
<!-- stage: one -->
Not a step:
\`\`\`yaml
kind: Component
\`\`\`
<!-- step {name: Start, terminal: first} -->
\`\`\`sh
cd nodeapp
npm start
\`\`\`
You see
<!-- expect -->
\`\`\`text
up and running

…
{ orderId: 1 }
\`\`\`
<!-- step {name: Stop, interrupt: first} -->
<!-- expect -->
\`\`\`text
Exited
\`\`\`
`;

test("a step's settings, commands and expected lines are read from the text", () => {
  const [start, stop, ...others] = readSteps(text, "x.md");
  expect(others).toEqual([]);
  expect(start).toMatchObject({
    name: "Start",
    stage: "one",
    line: 7,
    terminal: "first",
    commands: "cd nodeapp\nnpm start",
    expect: ["up and running", "{ orderId: 1 }"],
  });
  expect(stop).toMatchObject({ interrupt: "first", expect: ["Exited"] });
});

test("a misspelt key and a step without commands are errors that name the line", () => {
  expect(() => readSteps("\n<!-- step {nam: x} -->", "x.md")).toThrow(
    'x.md:2: a step has no "nam"',
  );
  expect(() => readSteps("<!-- step {name: x} -->", "x.md")).toThrow(
    'x.md:1: step "x" has no code block',
  );
});
