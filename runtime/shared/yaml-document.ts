/** YAML within limits: what a text costs is known before it is paid, whoever wrote it. */
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

/** A text that would take too long to read; `offset` in characters is where that shows. */
export class YamlLimitError extends Error {
  override name = "YamlLimitError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Of one text, all its documents together: some 10,000 lines of settings. */
const maxTokens = 100_000;
/** What a document costs that holds next to nothing. */
const tokensOfDocument = 20;
/** Maps and lists that are open at a place; each takes a place on the call stack. */
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
  // There is always one, as it is asked to give one.
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
      // The first mistake is the one that is told; a text may hold any number.
      if (token.type === "error") return;
    }
  }
  yield* parser.end();
}
