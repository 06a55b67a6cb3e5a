/**
 * What a TypeScript file imports, names and spells out. Apart from `source-files.ts`, which all tests of the command need: the compiler takes
 * half a second to load.
 */
import ts from "typescript";
import { textOf } from "./source-files.js";

export interface Import {
  /** As written, with the extension. */
  readonly from: string;
  /** True when nothing of it is left at run time. */
  readonly isType: boolean;
}

export interface Source {
  readonly imports: readonly Import[];
  /** Every identifier, `a.b` and `a["b"]` in the code, comments left out. */
  readonly names: ReadonlySet<string>;
  /** Text of every string and template literal. */
  readonly strings: readonly string[];
  readonly usesAny: boolean;
}

/** What stands in a TypeScript file. */
export function readSource(path: string, text: string = textOf(path)): Source {
  const imports: Import[] = [];
  const names = new Set<string>();
  const strings: string[] = [];
  let usesAny = false;
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      imports.push({ from: node.moduleSpecifier.text, isType: isTypeImport(node.importClause) });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const clause = node.exportClause;
      const elements = clause && ts.isNamedExports(clause) ? [...clause.elements] : undefined;
      imports.push({
        from: node.moduleSpecifier.text,
        isType: node.isTypeOnly || (elements?.every((element) => element.isTypeOnly) ?? false),
      });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      imports.push({
        from: specifier && ts.isStringLiteralLike(specifier) ? specifier.text : "(computed)",
        isType: false,
      });
    }
    if (ts.isIdentifier(node)) names.add(node.text);
    if (ts.isPropertyAccessExpression(node)) names.add(`${node.expression.getText()}.${node.name.text}`);
    if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
      names.add(`${node.expression.getText()}.${node.argumentExpression.text}`);
    if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node)) strings.push(node.text);
    if (node.kind === ts.SyntaxKind.AnyKeyword) usesAny = true;
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true));
  return { imports, names, strings, usesAny };
}

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}
