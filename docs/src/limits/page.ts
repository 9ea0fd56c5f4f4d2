import { ACCOUNTS } from "./accounts.ts";
import { CLUSTER } from "./cluster.ts";
import { CONTENT } from "./content.ts";
import { RATES } from "./rates.ts";
import type { Row, Section } from "./row.ts";
import { shown, shownRange } from "./row.ts";
import { SDK } from "./sdk.ts";

export const SECTIONS: readonly Section[] = [...CONTENT, ...RATES, ...ACCOUNTS, SDK, CLUSTER];

const INTRODUCTION = `# Limits

<!-- Made of the sources by \`make docs\` (docs/src/limits). A test compares the two. -->

Every limit that an application meets, its default, and what happens past it. The numbers are those of the
code: this page is made from its constants and from what the components read at their start.

- **past it** names the code that a client gets. [Errors](errors.md) says what to do after each. The SDK
  waits out \`RATE_LIMITED\`, \`BUSY\` and \`UNAVAILABLE\` by itself, and resumes after a close code of 4408
  and 4429.
- **set with** names an environment variable of the [configuration](configuration.md) with its range and,
  where there is one, the field of a [ChatCluster](chat-cluster.md). A variable without a field is set with
  \`connectors.template.env\` or \`api.template.env\`. Names in lower case are options of the SDK, or fields
  of a request. "fixed" means that it is part of the protocol or of the code.
- The server tells three of them in its \`welcome\`: \`frameBytes\`, \`bodyBytes\` and
  \`messagesPerSecond\`. The SDK refuses what is over the first two before it sends it.`;

/** The variable, the field and the range of a setting, each on a line of its own. */
function setWith({ setting, option, unit }: Row): string {
  if (setting === undefined) return option === undefined ? "fixed" : `\`${option}\``;
  const { variable, least, most, field } = setting;
  const names = [variable, ...(field === undefined ? [] : [field])].map((name) => `\`${name}\``);
  return [...names, shownRange(least, most, unit)].join("<br>");
}

const line = (row: Row): string =>
  `| ${[row.what, shown(row.value, row.unit), row.past, setWith(row)].join(" | ")} |`.replaceAll(
    "|  |",
    "| |",
  );

const section = ({ title, text, rows }: Section): string =>
  [
    `## ${title}`,
    ...(text === "" ? [] : [text]),
    ["| what | limit | past it | set with |", "| --- | --- | --- | --- |", ...rows.map(line)].join("\n"),
  ].join("\n\n");

/** docs/limits.md as Markdown. */
export const limitsPage = (): string => `${[INTRODUCTION, ...SECTIONS.map(section)].join("\n\n")}\n`;
