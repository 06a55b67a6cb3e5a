/**
 * The examples in the doc comments of what the package exports, as pages that `check-page.ts` can try.
 *
 * An example without imports stands for code that has them all, as the reader of an API page takes it. Those of `src/vitest/` need vitest
 * around them: `docs/vitest.md` runs the same.
 */
import * as api from "../../src/index.js";
import * as sched from "../../src/sched/index.js";
import { filesIn, textOf } from "./source-files.js";

export function docExamples(): { readonly path: string; readonly markdown: string }[] {
  const imports = [
    `import { ${Object.keys(api).join(", ")} } from "fiber-lockstep";`,
    `import { ${Object.keys(sched).join(", ")} } from "fiber-lockstep/sched";`,
  ];
  return filesIn(["src"], /\.ts$/)
    .filter((path) => !path.startsWith("src/vitest/"))
    .flatMap((path) => {
      const blocks = [...textOf(path).matchAll(/^ *\* ```ts\n([\s\S]*?)^ *\* ```$/gm)].map((match) =>
        match[1]!.replace(/^ *\* ?/gm, ""),
      );
      return blocks.map((block) => ({
        path,
        markdown: `\`\`\`ts\n${block.includes("import ") ? "" : `${imports.join("\n")}\n`}${block}\`\`\`\n`,
      }));
    });
}
