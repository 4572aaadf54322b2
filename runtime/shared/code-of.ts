/** The code of an error of Node or of a library; empty without one. */
export const codeOf = (error: unknown): string =>
  String((error as { code?: unknown }).code ?? "");
