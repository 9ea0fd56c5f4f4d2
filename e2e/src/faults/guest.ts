/** Ends this process when its input ends: then the process that started it is gone, however it ended. */
export function endWithInput(): void {
  process.stdin.once("end", () => process.exit(1)).resume();
  process.stdin.unref();
}
