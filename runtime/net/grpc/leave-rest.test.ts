import { EventEmitter } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { leaveRest } from "./leave-rest.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const leave = (writableFinished: boolean) => {
  const stream = Object.assign(new EventEmitter(), {
    readableEnded: false,
    closed: false,
    writableFinished,
    resume: jest.fn(),
    close: jest.fn(),
  });
  leaveRest(stream as unknown as ServerHttp2Stream);
  return stream;
};

test("a caller that sends on after its answer is cut after a while", () => {
  const { resume, close } = leave(true);
  expect(resume).toHaveBeenCalled();
  expect(close).not.toHaveBeenCalled();
  jest.advanceTimersByTime(5000);
  expect(close).toHaveBeenCalled();
});

test("one that does not take its answer is not closed before it has, so that it can be reset", () => {
  const stream = leave(false);
  jest.advanceTimersByTime(60_000);
  expect(stream.close).not.toHaveBeenCalled();
  stream.emit("finish");
  expect(stream.close).toHaveBeenCalled();
});
