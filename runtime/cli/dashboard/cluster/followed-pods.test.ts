import type { Pod } from "../../kubernetes/pods.ts";
import { followedAmong, mostFollowed } from "./followed-pods.ts";

const pod = (namespace: string, n: number, isRunning = true) =>
  ({
    metadata: { name: `p-${n}`, namespace },
    spec: { containers: [{ name: "daprd", image: "d" }] },
    status: {
      containerStatuses: [
        {
          name: "daprd",
          ready: true,
          state: isRunning ? { running: {} } : { waiting: {} },
        },
      ],
    },
  }) as Pod;

test("the context's namespace comes first, and those that do not run take no place", () => {
  const many = Array.from({ length: 100 }, (_, n) => pod("other", n));
  const home = [pod("home", 1), pod("home", 2, false), pod("home", 3)];
  const followed = [...followedAmong([...many, ...home], "home")];
  expect(followed).toHaveLength(mostFollowed);
  expect(followed.slice(0, 2)).toEqual([home[0], home[2]]);
  expect(followed.slice(2)).toEqual(many.slice(0, mostFollowed - 2));
});

test("few are all followed", () => {
  const few = [pod("a", 1), pod("b", 2)];
  expect([...followedAmong(few, "home")]).toEqual(few);
});
