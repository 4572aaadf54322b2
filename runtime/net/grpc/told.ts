import type { OnGrpcCall } from "../../contracts/call.ts";
import { GrpcError, grpcCode } from "./status.ts";

/** Tells how a call went. One whose caller left was not answered. */
export async function told<T>(
  onAnswered: OnGrpcCall | undefined,
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!onAnswered) return work();
  const started = performance.now();
  const tell = (code: number) =>
    onAnswered(path, code, performance.now() - started);
  try {
    const answer = await work();
    tell(grpcCode.ok);
    return answer;
  } catch (error) {
    if (error instanceof GrpcError) tell(error.code);
    throw error;
  }
}
