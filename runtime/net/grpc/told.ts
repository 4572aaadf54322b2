import type { GrpcSizes, OnGrpcCall } from "../../contracts/call.ts";
import { GrpcError, grpcCode } from "./status.ts";

/** Tells how a call went, and what `work` counted of it by then. One whose caller left was not answered. */
export async function told<T>(
  onAnswered: OnGrpcCall | undefined,
  path: string,
  work: (sizes?: GrpcSizes) => Promise<T>,
): Promise<T> {
  if (!onAnswered) return work();
  const started = performance.now();
  const sizes = { sentBytes: 0, receivedBytes: 0 };
  const tell = (code: number) =>
    onAnswered(path, code, performance.now() - started, sizes);
  try {
    const answer = await work(sizes);
    tell(grpcCode.ok);
    return answer;
  } catch (error) {
    if (error instanceof GrpcError) tell(error.code);
    throw error;
  }
}
