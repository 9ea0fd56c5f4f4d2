/** The lines on a process's standard input, up to its end. */
export async function readLines(input: AsyncIterable<unknown>): Promise<string[]> {
  let text = "";
  for await (const chunk of input) text += String(chunk);
  return text.split("\n").filter((line) => line !== "");
}
