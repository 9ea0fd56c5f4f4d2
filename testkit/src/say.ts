/** Prints a line for the person at the terminal. Logs of the parts go to files. */
export const say = (line: string): void => {
  process.stderr.write(`jichat: ${line}\n`);
};

/** An error whose message is all that a person needs: it is shown without a stack. */
export class UserError extends Error {
  override readonly name = "Plain";
}

/** Runs a tool's main function, and prints a plain reason if it fails. */
export async function main(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

/** Reports every two seconds that something is still running, until it is done. */
export async function during<T>(what: string, work: Promise<T>, detail: () => string = () => ""): Promise<T> {
  say(`${what} ...`);
  const started = performance.now();
  const seconds = (): string => `${((performance.now() - started) / 1_000).toFixed(0)} s`;
  const timer = setInterval(() => {
    say(`  ${what}: ${seconds()}${detail()}`);
  }, 2_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}
