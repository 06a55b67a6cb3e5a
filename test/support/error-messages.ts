/**
 * The complaints of the command, read off its sources: every text that goes where complaints go, as its fixed parts in order.
 *
 * A text counts when it stands in an argument of `complain`, `refuse`, `problem`, `failed`, a TargetError or an InvalidArgumentError, in a property
 * `complaint`, `message` or `why`, or in what a function called `...omplaint` or `refusal...` gives back; conditionals and what is put together with + are
 * looked into, calls are not: what they give back is found where it is written.
 */
import ts from "typescript";
import { filesIn, textOf } from "./source-files.js";

export interface ErrorMessage {
  /** `path:line`. */
  readonly where: string;
  /** What stands between the parts that vary; at least one. */
  readonly parts: readonly string[];
}

const CALLS = /^(complain|refuse|problem|failed|invalid|Misfit|TargetError|InvalidArgumentError)$/;
const PROPERTIES = /^(complaint|message|why|notes)$/;
const FUNCTIONS = /[cC]omplaint(Of)?$|^(recordOfJson|readJournal|noWorld|beginning)$/;
/** Complaints of the command are put together here; the runtime's panics and the model's invariants are not its own. */
const LEFT_OUT =
  /^src\/(sched|view|sim\/(forensics|shrink|generate))\/|machine-limit|junit-xml|campaign-outputs|corpus-outputs/;

export function errorMessages(): ErrorMessage[] {
  const written = filesIn(["src"], /\.ts$/)
    .filter((path) => !LEFT_OUT.test(path))
    .flatMap((path) => messagesIn(path, textOf(path)));
  const inC = filesIn(["src/native-bridge/replay"], /\.c$/).flatMap((path) =>
    [...textOf(path).matchAll(/\brefuse\(report, "\w+", "([^"]+)"/g)].map((match) => ({
      where: path,
      parts: fixedParts(match[1]!.split(/%\w/)),
    })),
  );
  return [...written, ...inC];
}

export function messagesIn(path: string, text: string): ErrorMessage[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const found = new Map<number, ErrorMessage>();
  const collect = (node: ts.Expression): void => {
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) collect(node.expression);
    else if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(collect);
    else if (ts.isBinaryExpression(node)) [node.left, node.right].forEach(collect);
    else if (ts.isArrayLiteralExpression(node)) node.elements.forEach(collect);
    else if (ts.isCallExpression(node)) collectMapped(node);
    else if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const parts = partsOf(node);
      const where = `${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
      if (parts.length > 0) found.set(node.getStart(), { where, parts });
    }
  };
  const collectMapped = (node: ts.CallExpression): void => {
    for (const given of /\.(map|flatMap)$/.test(node.expression.getText()) ? node.arguments : [])
      if (ts.isArrowFunction(given) && !ts.isBlock(given.body)) collect(given.body);
  };
  const visit = (node: ts.Node): void => {
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && CALLS.test(nameOf(node.expression)))
      (node.arguments ?? []).forEach(collect);
    if (ts.isPropertyAssignment(node) && PROPERTIES.test(node.name.getText())) collect(node.initializer);
    if (ts.isFunctionDeclaration(node) && FUNCTIONS.test(node.name?.text ?? "")) visitReturns(node, collect);
    if (ts.isVariableDeclaration(node) && PROPERTIES.test(node.name.getText()) && node.initializer)
      collect(node.initializer);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...found.values()];
}

function visitReturns(node: ts.Node, collect: (node: ts.Expression) => void): void {
  if (ts.isReturnStatement(node) && node.expression !== undefined) collect(node.expression);
  ts.forEachChild(node, (child) => visitReturns(child, collect));
}

function nameOf(node: ts.Expression): string {
  return ts.isPropertyAccessExpression(node) ? node.name.text : node.getText();
}

/** The fixed parts that say something: three letters in a row at least, and a space, or they are a word of a program. */
function partsOf(node: ts.StringLiteralLike | ts.TemplateExpression): string[] {
  const texts = ts.isStringLiteralLike(node)
    ? [node.text]
    : [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
  return fixedParts(texts);
}

function fixedParts(texts: readonly string[]): string[] {
  const parts = texts
    .map((text) => text.replace(/\s+/g, " ").trim())
    .filter((text) => /[a-z]{2}/i.test(text));
  // One word alone is no message, nor is the page that a message cites.
  return parts.join(" ").includes(" ") && !/^docs\/|^, Limits$/.test(parts[0]!) ? parts : [];
}
