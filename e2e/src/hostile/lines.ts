/** What a process is told on its standard input, until that ends. */
export async function readLines(input: AsyncIterable<unknown>): Promise<string[]> {
  let text = "";
  for await (const chunk of input) text += String(chunk);
  return text.split("\n").filter((line) => line !== "");
}
