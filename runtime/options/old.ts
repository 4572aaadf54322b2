/** Old spellings of options. They work, and whoever uses one is told the new one. */
import type { Option } from "./option.ts";
import { flag, list, whole } from "./sidecar-flag.ts";

const oldName = (flag: string) => `Use "${flag}" flag instead`;
const leaving = (flag: string) =>
  `This flag is deprecated and will be removed in the future releases. ${oldName(flag)}`;

export const oldOptions = {
  "components-path": {
    run: {
      type: "string",
      short: "d",
      about: "A folder of component files",
      deprecated: leaving("resources-path"),
    },
    daprd: list("Folder of resource files", { deprecated: "resources-path" }),
  },
  "app-ssl": {
    run: {
      type: "bool",
      about: "Talk TLS to the app",
      deprecated: leaving("app-protocol"),
    },
    file: { key: "appSSL", common: true },
    daprd: flag("TLS to the app", false, {
      deprecated: 'app-protocol" flag with values "https" or "grpcs',
    }),
    pod: { as: "switch" },
  },
  "dapr-http-max-request-size": {
    run: {
      type: "int",
      about: "",
      default: -1,
      deprecated: oldName("max-body-size"),
    },
    file: { key: "daprHTTPMaxRequestSize", common: true },
    daprd: whole("Largest request body in MB", -1, {
      deprecated: "max-body-size",
    }),
    pod: { name: "http-max-request-size", as: "number" },
  },
  "dapr-http-read-buffer-size": {
    run: {
      type: "int",
      about: "",
      default: -1,
      deprecated: oldName("read-buffer-size"),
    },
    file: { key: "daprHTTPReadBufferSize", common: true },
    daprd: whole("Largest request header in KB", -1, {
      deprecated: "read-buffer-size",
    }),
    pod: { name: "http-read-buffer-size", as: "number" },
  },
  // Of dapr alone, in older releases (the second column of the original's changelogs).
  port: {
    run: {
      type: "int",
      about: "",
      aliasOf: "dapr-http-port",
      deprecated: oldName("dapr-http-port"),
    },
  },
  "grpc-port": {
    run: {
      type: "int",
      about: "",
      aliasOf: "dapr-grpc-port",
      deprecated: oldName("dapr-grpc-port"),
    },
  },
  protocol: {
    run: {
      type: "string",
      about: "",
      aliasOf: "app-protocol",
      deprecated: oldName("app-protocol"),
    },
  },
  "max-concurrency": {
    run: {
      type: "int",
      about: "",
      aliasOf: "app-max-concurrency",
      deprecated: oldName("app-max-concurrency"),
    },
  },
  "placement-host": {
    run: {
      type: "string",
      about: "",
      aliasOf: "placement-host-address",
      deprecated: oldName("placement-host-address"),
    },
  },
} as const satisfies Record<string, Option>;
