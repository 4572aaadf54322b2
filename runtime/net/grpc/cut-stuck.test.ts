import { EventEmitter } from "node:events";
import type { Http2Session, ServerHttp2Stream } from "node:http2";
import { cutStuck } from "./cut-stuck.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const streamOf = (bufferSize: number) => ({
  bufferSize,
  closed: false,
  close: jest.fn(),
  destroy: jest.fn(),
});

function watch(...streams: ReturnType<typeof streamOf>[]) {
  const session = new EventEmitter();
  cutStuck(
    session as unknown as Http2Session,
    new Set(streams as unknown as ServerHttp2Stream[]),
  );
  return session;
}

const kb = 1024;

test("an answer of which nothing is taken for a good minute is cut; one that is taken in parts, or is not there yet, is not", () => {
  const [stuck, slow, quiet] = [streamOf(kb), streamOf(kb), streamOf(0)];
  watch(stuck, slow, quiet);
  for (let i = 0; i < 7; i++) {
    jest.advanceTimersByTime(10_000);
    slow.bufferSize--;
    expect(stuck.close).not.toHaveBeenCalled();
  }
  jest.advanceTimersByTime(10_000);
  expect(stuck.close).toHaveBeenCalledWith(11);
  expect(slow.close).not.toHaveBeenCalled();
  expect(quiet.close).not.toHaveBeenCalled();
});

test("a large answer has more time", () => {
  const large = streamOf(4 * kb * kb);
  watch(large);
  jest.advanceTimersByTime(330_000);
  expect(large.close).not.toHaveBeenCalled();
  jest.advanceTimersByTime(10_000);
  expect(large.close).toHaveBeenCalled();
});

test("if a connection holds too much, what made no progress between two looks is cut", () => {
  const many = Array.from({ length: 20 }, () => streamOf(4 * kb * kb));
  watch(...many);
  jest.advanceTimersByTime(10_000);
  many[0]!.bufferSize--;
  jest.advanceTimersByTime(10_000);
  expect(many[0]!.close).not.toHaveBeenCalled();
  for (const one of many.slice(1)) expect(one.close).toHaveBeenCalled();
});

test("a stream that was closed and is still there at the next look is ended", () => {
  const [reset, open] = [streamOf(0), streamOf(0)];
  watch(reset, open);
  reset.closed = true;
  jest.advanceTimersByTime(10_000);
  expect(reset.destroy).not.toHaveBeenCalled();
  jest.advanceTimersByTime(10_000);
  expect(reset.destroy).toHaveBeenCalled();
  expect(open.destroy).not.toHaveBeenCalled();
});

test("nobody looks after the session's end", () => {
  const stuck = streamOf(kb);
  watch(stuck).emit("close");
  expect(jest.getTimerCount()).toBe(0);
});
