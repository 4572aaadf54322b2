/**
 * Jest runs the TypeScript sources directly, as CommonJS: for ES modules it needs a flag of Node and has no `jest.mock`.
 * Behaviour tests start the shipped bundle in dist/, which is ES modules, in processes of its own.
 */
export default {
  rootDir: "..",
  testEnvironment: "node",
  testSequencer: "<rootDir>/tests/jest-sequencer.mjs",
  // Tests wait for conditions. This only ends a test whose condition never comes, even on a busy machine.
  testTimeout: 600_000,
  extensionsToTreatAsEsm: [],
  transform: {
    "\\.ts$": [
      "<rootDir>/tests/node_modules/@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2024" },
        module: { type: "commonjs" },
      },
    ],
  },
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  modulePathIgnorePatterns: ["<rootDir>/dist"],
};
