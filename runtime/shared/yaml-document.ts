/** Reads YAML within limits, so that no text, whoever wrote it, costs too much time or memory. */
import {
  Composer,
  Lexer,
  LineCounter,
  Parser,
  type Document,
  type DocumentOptions,
  type ParseOptions,
  type SchemaOptions,
} from "yaml";
import { maxYamlBytes } from "./files/read-regular.ts";

/** The text would take too long to read; `offset`, in characters, is where the limit was reached. */
export class YamlLimitError extends Error {
  override name = "YamlLimitError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** The limit of one text, with all its documents: some 10,000 lines of settings. */
const maxTokens = 100_000;
/** What a document costs at least. */
const tokensOfDocument = 20;
/** The deepest nesting of maps and lists; each level needs the call stack. */
const maxOpen = 200;

/** How much of the limits is used: one for all documents of a text. */
export interface YamlBudget {
  tokens: number;
}

export interface YamlOptions
  extends ParseOptions, DocumentOptions, SchemaOptions {
  lineCounter?: LineCounter;
}

/** The first document of a text, as the library's `parseDocument` gives it. Throws {@link YamlLimitError}. */
export function parseWithin(
  text: string,
  options: YamlOptions = {},
  budget: YamlBudget = { tokens: 0 },
): Document.Parsed {
  if (text.length > maxYamlBytes)
    throw new YamlLimitError(
      `larger than ${maxYamlBytes / 1024} KiB, which no such file needs`,
      0,
    );
  budget.tokens += tokensOfDocument;
  const composer = new Composer({ prettyErrors: false, ...options });
  const tokens = tokensOf(text, options.lineCounter, budget);
  // There is always a document, as the library is told to give one.
  const [first] = composer.compose(tokens, true, text.length);
  return first!;
}

function* tokensOf(
  text: string,
  lines: LineCounter | undefined,
  budget: YamlBudget,
) {
  lines?.addNewLine(0);
  const parser = new Parser(lines?.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    if (++budget.tokens > maxTokens)
      throw new YamlLimitError(
        `more than ${maxTokens} words, signs and lines`,
        parser.offset,
      );
    if (parser.stack.length > maxOpen)
      throw new YamlLimitError("too deeply nested values", parser.offset);
    for (const token of parser.next(lexeme)) {
      yield token;
      // Only the first mistake is reported; a text may have any number.
      if (token.type === "error") return;
    }
  }
  yield* parser.end();
}
