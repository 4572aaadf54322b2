import { tempFolder } from "../tests/support/temp-folder.ts";
import { takeTurn } from "./tutorial-turn.ts";

jest.mock("./ports.ts", () => ({ isFree: async () => true }));

test("a second tutorial waits until the first one ends", async () => {
  const folder = tempFolder("tutorial-turn");
  const waiting = Promise.withResolvers<void>();
  const told = jest
    .spyOn(console, "error")
    .mockImplementation(() => waiting.resolve());
  const end = await takeTurn({ folder });
  let isOver = false;
  // Our parent is another process that certainly lives as long as this test.
  const second = takeTurn({ folder, pid: process.ppid }).then((endSecond) => {
    expect(isOver).toBe(true);
    endSecond();
  });
  await waiting.promise;
  expect(told).toHaveBeenCalledWith("Waiting for another tutorial to end …");
  isOver = true;
  end();
  await second;
  told.mockRestore();
});
