/**
 * Jest runs the TypeScript sources as they are, as CommonJS: for ES modules it wants a flag of Node and has no `jest.mock`.
 * Behaviour tests start the bundle in dist/, ES modules as shipped, as processes.
 */
export default {
  rootDir: "..",
  testEnvironment: "node",
  testSequencer: "<rootDir>/tests/jest-sequencer.mjs",
  // Tests wait for conditions; this only ends one whose condition never comes, on however busy a machine.
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
