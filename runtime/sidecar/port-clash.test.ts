import { parseFlags } from "./flags.ts";
import { portClash } from "./port-clash.ts";

const clash = (...args: string[]) => portClash(parseFlags(args).flags);

test.each([
  [["--dapr-http-port=50001"], "dapr-http-port and dapr-grpc-port"],
  [["--dapr-public-port=3500"], "dapr-http-port and dapr-public-port"],
  [["--dapr-public-port=50001"], "dapr-grpc-port and dapr-public-port"],
  [
    ["--dapr-internal-grpc-port=3500"],
    "dapr-http-port and dapr-internal-grpc-port",
  ],
  [
    ["--dapr-public-port=7000", "--dapr-internal-grpc-port=7000"],
    "dapr-internal-grpc-port and dapr-public-port",
  ],
  [
    ["--app-port=7000", "--dapr-public-port=7000"],
    "app-port and dapr-public-port",
  ],
  [
    ["--dapr-public-port=3500", "--dapr-public-listen-address=0.0.0.0"],
    "dapr-http-port and dapr-public-port",
  ],
  [
    ["--dapr-public-port=3500", "--dapr-public-listen-address=localhost"],
    "dapr-http-port and dapr-public-port",
  ],
  [
    ["--mode=kubernetes", "--dapr-grpc-port=3501", "--dapr-public-port=3501"],
    "dapr-grpc-port and dapr-public-port",
  ],
])("%j: both are named", (args, both) => {
  expect(clash(...args)).toMatch(
    new RegExp(`^${both} are both \\d+; they must differ$`),
  );
});

test.each([
  [[]],
  [["--dapr-http-port=0", "--dapr-grpc-port=0", "--dapr-public-port=-1"]],
  [["--dapr-public-port=3500", "--dapr-public-listen-address=192.0.2.1"]],
  [
    ["--app-port=3501", "--dapr-public-port=3501"].concat(
      "--app-channel-address=192.0.2.1",
    ),
  ],
])("%j can be had", (args) => {
  expect(clash(...args)).toBeUndefined();
});
