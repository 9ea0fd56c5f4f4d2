import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Census } from "./census/census.ts";
import { NOTHING, censusOf, sum } from "./census/census.ts";
import { main } from "@jichat/testkit/say.ts";

const ignored = (name: string): boolean => /^(node_modules|dist|\.data)$/.test(name);
/** Whether a file is a test, or support in a folder of tests. Test support inside `src` counts as source. */
const isTest = (path: string): boolean =>
  path.endsWith(".test.ts") ||
  (!path.includes("/src/") && /\/(test|tidy|cluster|faults|hostile)\//.test(path));

/** The folders of the workspaces, in the order of package.json. */
function packages(): string[] {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly workspaces: readonly string[];
  };
  return workspaces.flatMap((pattern) =>
    globSync(`${pattern}/package.json`, { cwd: ROOT }).map((path) => path.slice(0, -"/package.json".length)),
  );
}

function row(name: string, source: Census, tests: Census): string {
  const share = source.lines === 0 ? 0 : Math.round((100 * source.comments) / source.lines);
  return `| ${name} | ${[source.lines, source.functions, `${share} %`, tests.lines, tests.tests]
    .map((cell) => cell.toLocaleString("en"))
    .join(" | ")} |`;
}

/** `make census`: lines, functions, comments and tests of each package, as the table of CONTRIBUTING.md. */
await main(async () => {
  const rows: string[] = [];
  let [allSource, allTests] = [NOTHING, NOTHING];
  for (const name of packages()) {
    let [source, tests] = [NOTHING, NOTHING];
    for (const path of globSync(`${name}/**/*.{ts,tsx}`, { cwd: ROOT, exclude: ignored })) {
      const census = censusOf(readFileSync(join(ROOT, path), "utf8"));
      if (isTest(path)) tests = sum(tests, census);
      else source = sum(source, census);
    }
    rows.push(row(`\`${name}/\``, source, tests));
    [allSource, allTests] = [sum(allSource, source), sum(allTests, tests)];
  }
  console.log(
    [
      "| package | lines | functions | comments | lines of tests | tests |",
      "| --- | ---: | ---: | ---: | ---: | ---: |",
      ...rows,
      row("all", allSource, allTests),
    ].join("\n"),
  );
});
