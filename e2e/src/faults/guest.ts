/** Whoever asked has gone, however it ended, when this process's input ends: nobody is left to hear of it. */
export function endWithInput(): void {
  process.stdin.once("end", () => process.exit(1)).resume();
  process.stdin.unref();
}
