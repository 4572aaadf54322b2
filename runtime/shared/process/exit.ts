/**
 * Ends this process by letting its event loop run dry. If something still holds
 * it after a moment, it is ended. `process.exit()` alone can hang for ever: it
 * waits for a V8 thread, which waits for a garbage collection that the main
 * thread no longer makes (Node 24.21).
 */
export function exitSoon(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), 300).unref();
}
