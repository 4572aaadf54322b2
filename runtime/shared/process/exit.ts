/**
 * Ends this process by letting its event loop run dry; what still holds it
 * after a moment is cut. `process.exit()` alone can wait for ever: for a V8
 * thread that waits for a collection the main thread no longer makes (Node 24.21).
 */
export function exitSoon(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), 300).unref();
}
